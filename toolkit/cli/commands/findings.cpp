#include "toolkit/cli/commands/findings.hpp"

#include <algorithm>

#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

bool is_of(const Json& finding, std::string_view level) {
  return level.empty() || finding["level"].string_or("") == level;
}

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

std::string findings_text(const Json& findings, std::string_view level, const Style& style,
                          std::size_t limit) {
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

}  // namespace assay::cli::commands
