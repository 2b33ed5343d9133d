#include "toolkit/cli/commands/replay_output.hpp"

#include <set>

#include <fmt/format.h>

#include "formats/bundle_writer.hpp"
#include "replay/engine/train.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

std::string sample_table(const formats::ReplaySample& sample) {
  std::string text = "sample    " + with_separators(sample.drawn) + " of " +
                     counted(sample.segments, "segment") + ", drawn by seed " + std::to_string(sample.seed) +
                     "; the probability that it holds an altered one:\n            altered segments ";
  std::string line = "            probability      ";
  std::set<std::uint64_t> columns = {1, 2, 3, 5, 10, sample.segments / 10, sample.segments / 2};
  for (const std::uint64_t altered : columns) {
    if (altered == 0 || altered > sample.segments) continue;
    text += fmt::format("{:>9}", with_separators(altered));
    line += fmt::format("{:>9}", fmt::format("{:.4f}", formats::detection_probability(
                                                           sample.segments, sample.drawn, altered)));
  }
  return text + "\n" + line + "\n";
}

std::string culprit_text(const formats::ReplayDifference& difference) {
  std::string text;
  if (const auto& culprit = difference.culprit) {
    text += "operator  " + shown(culprit->name) + ", call " + with_separators(culprit->call) + " of " +
            (culprit->step ? "step " + with_separators(culprit->step) : "the model's construction");
    if (!culprit->where.empty()) text += " (" + shown(culprit->where) + ")";
    if (!culprit->element.empty()) text += ", " + shown(culprit->element);
    text += "\n            expected " + shown(culprit->expected) + " by " + shown(culprit->reference) +
            "\n            found    " + shown(culprit->found) + " by " + shown(culprit->replay) + "\n";
  }
  if (!difference.bisection.empty()) text += "bisected  " + shown(difference.bisection) + "\n";
  return text;
}

std::string result_text(const formats::ReplayResult& result, const std::string& file, double seconds,
                        std::uint64_t noted) {
  std::string text = "replayed  " + shown(file) + ", experiment " + shown(result.experiment) + "\n";
  if (result.difference) {
    const formats::ReplayDifference& difference = *result.difference;
    text += "differs   " +
            (difference.step ? "at step " + with_separators(difference.step) : "before the first step") +
            ": " + shown(difference.what);
    if (!difference.detail.empty()) text += " (" + shown(difference.detail) + ")";
    text += "\n            expected " + shown(difference.expected) + "\n            found    " +
            shown(difference.found) + "\n" + culprit_text(difference);
  }
  if (!result.segments.empty() || !result.difference)
    text += "same      " + with_separators(result.checked()) + " of " + counted(result.steps, "step") +
            (result.difference ? ", before that or beside it" : "") + "\n";
  if (!result.difference && result.checked() == result.steps)
    text += "chain     " + result.chain.hex() + "\n";
  if (noted) text += "noted     " + counted(noted, "step") + " of them by an earlier call\n";
  if (result.sample) text += sample_table(*result.sample);
  text += probes_text(result);
  if (!result.strict) text += "note      operators without a certified kernel were allowed\n";
  return text + "took      " + human_duration(seconds) + " on " +
         shown(result.environment["device"].string_or("?")) + ", confined by " +
         shown(result.environment["sandbox"].string_or("?")) + "\n";
}

Json sample_json(const formats::ReplaySample& sample) {
  Json table = Json::array();
  for (std::uint64_t altered = 1; altered <= std::min<std::uint64_t>(sample.segments, 100); ++altered)
    table.push(Json::object(
        {{"altered", altered},
         {"probability", formats::detection_probability(sample.segments, sample.drawn, altered)}}));
  return table;
}

}  // namespace

std::string probes_text(const formats::ReplayResult& result) {
  std::string text;
  for (const formats::ReplayProbe& probe : result.probes)
    text += fmt::format("probe     {:<11}{:<10}{}\n", probe.name, probe.answer, shown(probe.text));
  return text;
}

Json environment_json(const ReplayOptions& options, const std::string& confinement, const Json& facts,
                      double seconds) {
  return Json::object({{"device", options.place.device},
                       {"sandbox", confinement},
                       {"runner", facts},
                       {"host", replay::host_facts()},
                       {"seconds", seconds}});
}

Status write_result(const Arguments& arguments, const formats::ReplayResult& result) {
  const auto file = arguments.value("--output");
  if (!file) return {};
  const auto signers = ASSAY_TRY(load_signers(arguments));
  std::string text = result.encode();
  if (!signers.empty()) {
    formats::Envelope envelope{std::string(formats::kReplayPayload), text, {}};
    for (const auto& signer : signers)
      envelope = ASSAY_TRY(formats::with_signature(std::move(envelope), *signer));
    text = envelope.encode();
  }
  return write_file(*file, text + "\n", existing(arguments));
}

Exit print_result(const Arguments& arguments, const formats::ReplayResult& result, double seconds,
                  std::uint64_t noted, Output& output, const Json& more) {
  const std::string file = *arguments.value("FILE");
  if (output.wants_json()) {
    Json findings = Json::array();
    for (const formats::Finding& finding : result.findings()) findings.push(formats::to_json(finding));
    Json document = *Json::parse(result.encode());
    if (result.sample) document.set("detection", sample_json(*result.sample));
    for (const Json::Member& member : more.members()) document.set(member.key, member.value);
    output.print_json(output.document()
                          .set("input", Json::object({{"path", file}, {"root", result.bundle.hex()}}))
                          .set("result", std::move(document))
                          .set("findings", std::move(findings)));
  } else {
    output.print(result_text(result, file, seconds, noted));
  }
  return result.difference ? Exit::replay_differs : Exit::done;
}

}  // namespace assay::cli::commands
