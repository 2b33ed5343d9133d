#include "verify/verify.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "toolkit/base/text.hpp"
#include "verify/checks.hpp"
#include "verify/decisions/decisions.hpp"
#include "verify/integrity.hpp"
#include "verify/replays.hpp"
#include "verify/verdicts.hpp"

namespace assay::verify {

namespace {

class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// Adds the findings to those of the checks; gives the document's member.
Json judge_decisions(const formats::Bundle& bundle, const CampaignView& view, CheckResults& checked) {
  Decisions decisions = recompute_decisions(formats::BundleItems(bundle), view);
  for (const auto& [code, count] : decisions.totals) checked.totals[code] += count;
  std::move(decisions.findings.begin(), decisions.findings.end(), std::back_inserter(checked.findings));
  return std::move(decisions.document);
}

// The document of a bundle of which not even the manifest can be relied on.
Json unopened(const std::string& name, const Error& error) {
  const formats::Finding finding = opening_finding(error);
  Json findings = Json::array();
  findings.push(formats::to_json(finding));
  return Json::object({{"input", Json::object({{"path", name}})},
                       {"result", result_of_unopened(finding)},
                       {"findings", std::move(findings)}});
}

}  // namespace

Result<Json> verify_bundle(Fd file, const std::string& name, const VerifyInputs& inputs) {
  Stopwatch watch;
  const int fd = file.get();
  auto opened = formats::Bundle::open(std::move(file), name);
  if (!opened.ok()) {
    if (opened.error().fault == Fault::damaged) return unopened(name, opened.error());
    return std::move(opened.error());
  }
  const formats::Bundle& bundle = *opened;
  Integrity integrity;
  judge_signers(bundle, inputs, integrity);
  const double opening = watch.lap();
  CampaignView::Builder builder(bundle.manifest(),
                                [&](std::size_t item) { return bundle.has_content(item); });
  ASSAY_TRY(judge_bytes(bundle, fd, inputs.progress ? *inputs.progress : no_progress(), builder, integrity));
  judge_disclosed(bundle, inputs, builder, integrity);
  const CampaignView view = builder.finish();
  note_gaps(bundle, view, integrity);
  const double reading = watch.lap();
  const formats::BundleItems items(bundle);
  CheckResults checked = run_checks(view, {}, &items);
  const Json decisions = inputs.decisions ? judge_decisions(bundle, view, checked) : Json();
  const Replays replays = judge_replays(bundle, view, inputs);
  const double checking = watch.lap();

  // What is wrong stands before what is only worth knowing.
  std::stable_sort(integrity.findings.begin(), integrity.findings.end(),
                   [](const auto& a, const auto& b) { return a.severity > b.severity; });
  Json findings = Json::array();
  for (const formats::Finding& finding : integrity.findings) findings.push(formats::to_json(finding));
  for (const formats::Finding& finding : checked.findings) findings.push(formats::to_json(finding));
  for (const formats::Finding& finding : replays.findings) findings.push(formats::to_json(finding));
  const Verdicts verdicts{bundle, view, integrity, checked, replays};
  Json document =
      Json::object({{"input", Json::object({{"path", name}, {"root", bundle.statement().root.hex()}})},
                    {"result", verdicts.result()},
                    {"findings", std::move(findings)}});
  if (inputs.decisions) document.set("decisions", decisions);
  if (inputs.timings)
    document.set("timings",
                 Json::object({{"opening", opening}, {"reading", reading}, {"checking", checking}}));
  return document;
}

int verify_exit_status(const Json& document) {
  const Json& result = document["result"];
  if (result["intact"]["verdict"].string_or("") != "yes") return 2;
  for (const Json& finding : document["findings"].items())
    if (finding["severity"].string_or("error") == "error") return 3;
  return result["trust"].string_or("") == "unknown signer" ? 5 : 0;
}

}  // namespace assay::verify
