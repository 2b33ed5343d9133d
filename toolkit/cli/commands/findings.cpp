#include "toolkit/cli/commands/findings.hpp"

#include <algorithm>

#include "archives/git_loader.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

bool is_of(const Json& finding, std::string_view level) { return level.empty() || finding["level"].string_or("") == level; }

constexpr std::string_view kSeverities[] = {"error", "warning", "note"};

std::string_view colour(std::string_view severity, const Style& style) {
  return severity == "error" ? style.red : severity == "warning" ? style.yellow : style.dim;
}

std::string finding_text(const Json& finding, const Style& style) {
  const std::string_view severity = finding["severity"].string_or("error");
  std::string word(severity);
  word.resize(8, ' ');
  std::string text = "    " + std::string(colour(severity, style)) + word + std::string(style.reset) + " " +
                     shown(finding["code"].string_or("")) + "  ";
  if (const Json* subject = finding.find("subject")) text += shown(subject->string_or("")) + ": ";
  text += shown(finding["text"].string_or("")) + "\n";
  for (const char* part : {"expected", "found"}) {
    const Json* value = finding.find(part);
    if (!value) continue;
    std::string name(part);
    name.resize(9, ' ');
    text += std::string(19, ' ') + name + shown(shorten(value->string_or(""), 160)) + "\n";
  }
  return text;
}

// Trust files as text: the store reads no file that is not in the archive.
Result<Json> trust_request(const Arguments& arguments) {
  Json trust;
  if (const auto file = arguments.value("--trust")) trust.set("allowed_signers", ASSAY_TRY(read_file(*file, 16u << 20)));
  if (const auto file = arguments.value("--policy")) {
    if (trust.is_null()) return Error{Fault::usage, "--policy without --trust", "", "name who may sign with --trust FILE"};
    trust.set("policy", ASSAY_TRY(read_file(*file, 16u << 20)));
  }
  return trust;
}

std::string signers_text(const Json& signers) {
  std::string text;
  for (const Json& signer : signers.items()) {
    const Json* principal = signer.find("principal");
    text += "  signer    " + (principal ? shown(principal->string_or("")) : std::string("unknown")) + "  " +
            shown(signer["fingerprint"].string_or("")) + ", " + counted(signer["commits"].natural().value_or(0), "commit") + "\n";
  }
  return text;
}

}  // namespace

FindingCounts count_findings(const Json& findings, std::string_view level) {
  FindingCounts counts;
  for (const Json& finding : findings.items()) {
    if (!is_of(finding, level)) continue;
    const std::string_view severity = finding["severity"].string_or("error");
    (severity == "note" ? counts.notes : severity == "warning" ? counts.warnings : counts.errors) += 1;
  }
  return counts;
}

std::string FindingCounts::text() const {
  const std::size_t all = errors + warnings + notes;
  if (!all) return "no findings";
  std::vector<std::string> parts;
  if (errors) parts.push_back(counted(errors, "error"));
  if (warnings) parts.push_back(counted(warnings, "warning"));
  if (notes) parts.push_back(counted(notes, "note"));
  return counted(all, "finding") + ": " + join(parts, ", ");
}

std::string findings_text(const Json& findings, std::string_view level, const Style& style, std::size_t limit) {
  std::string text;
  std::size_t listed = 0, left = 0;
  for (const std::string_view severity : kSeverities) {
    for (const Json& finding : findings.items()) {
      if (!is_of(finding, level) || finding["severity"].string_or("error") != severity) continue;
      if (listed == limit) {
        ++left;
        continue;
      }
      text += finding_text(finding, style);
      ++listed;
    }
  }
  if (left) text += "    " + with_separators(std::uint64_t{left}) + " more: --json lists all\n";
  return text;
}

Result<Exit> check_archive(const std::string& folder, const Arguments& arguments, Output& output) {
  Json request = Json::object({{"path", folder}, {"when", static_cast<long>(now())}});
  const Json trust = ASSAY_TRY(trust_request(arguments));
  const bool trusted = !trust.is_null();
  if (trusted) request.set("trust", trust);
  Json answer = ASSAY_TRY(archives::call_git_store("check", request));
  const Json& findings = answer["findings"];
  const FindingCounts counts = count_findings(findings);
  const Exit exit = counts.errors ? Exit::not_intact : trusted ? Exit::done : Exit::unknown_signer;
  if (output.wants_json()) {
    output.print_json(output.document().set("input", Json::object({{"path", folder}})).set("result", std::move(answer)));
    return exit;
  }
  const Style& style = output.style();
  const auto number = [&answer](const char* name) { return answer[name].natural().value_or(0); };
  output.print(shown(folder) + "  archive: " + counted(number("generations"), "generation") + ", " + counted(number("commits"), "commit") + ", " +
               counted(number("tags"), "tag") + ", " + human_bytes(number("bytes")) + " of bundles hashed\n");
  output.print(std::string("  intact    ") + std::string(counts.errors ? style.red : style.green) + (counts.errors ? "no" : "yes") +
               std::string(style.reset) + "   " + counts.text() + "\n");
  output.print(findings_text(findings, "", style));
  output.print(signers_text(answer["signers"]));
  if (!counts.errors && !trusted) output.print("  valid signatures, unknown signers: name whom you trust with --trust FILE\n");
  return exit;
}

}  // namespace assay::cli::commands
