#include "formats/replay_result.hpp"

#include <algorithm>

#include "formats/campaign.hpp"
#include "formats/fields.hpp"
#include "toolkit/base/text.hpp"

namespace assay::formats {

namespace {

constexpr std::size_t kLongestText = 4096, kMostSegments = 1'000'000;

Error broken(const std::string& why) {
  return {Fault::malformed, "not the result of a replay: " + why, "", ""};
}

Result<Digest> digest_of(const Json& json, const char* key) {
  const auto digest = Digest::from_hex(json[key].string_or(""));
  if (!digest)
    return broken(std::string("\"") + key + "\" must be 64 lower-case hex digits, found " +
                  describe(json[key]));
  return *digest;
}

Result<std::uint64_t> natural_of(const Json& json, const char* key) {
  const auto value = json[key].natural();
  if (!value || *value >= 1ull << 53)
    return broken(std::string("\"") + key + "\" must be a number from 0, found " + describe(json[key]));
  return *value;
}

Result<std::string> text_of(const Json& json, const char* key) {
  const std::string* text = json[key].string();
  if (!text || text->size() > kLongestText)
    return broken(std::string("\"") + key + "\" must be a text, found " + describe(json[key]));
  return *text;
}

Json culprit_json(const ReplayCulprit& culprit) {
  return Json::object({{"step", culprit.step},
                       {"call", culprit.call},
                       {"name", culprit.name},
                       {"where", culprit.where},
                       {"element", culprit.element},
                       {"expected", culprit.expected},
                       {"found", culprit.found},
                       {"reference", culprit.reference},
                       {"replay", culprit.replay}});
}

Result<ReplayCulprit> culprit_from(const Json& json) {
  ReplayCulprit out;
  out.step = ASSAY_TRY(natural_of(json, "step"));
  out.call = ASSAY_TRY(natural_of(json, "call"));
  out.name = ASSAY_TRY(text_of(json, "name"));
  out.where = ASSAY_TRY(text_of(json, "where"));
  out.element = ASSAY_TRY(text_of(json, "element"));
  out.expected = ASSAY_TRY(text_of(json, "expected"));
  out.found = ASSAY_TRY(text_of(json, "found"));
  out.reference = ASSAY_TRY(text_of(json, "reference"));
  out.replay = ASSAY_TRY(text_of(json, "replay"));
  return out;
}

Json difference_json(const ReplayDifference& difference) {
  Json json = Json::object({{"step", difference.step},
                            {"what", difference.what},
                            {"expected", difference.expected},
                            {"found", difference.found},
                            {"detail", difference.detail}});
  if (!difference.bisection.empty()) json.set("bisection", difference.bisection);
  if (difference.culprit) json.set("operator", culprit_json(*difference.culprit));
  return json;
}

Result<ReplayDifference> difference_from(const Json& json) {
  ReplayDifference out;
  out.step = ASSAY_TRY(natural_of(json, "step"));
  out.what = ASSAY_TRY(text_of(json, "what"));
  out.expected = ASSAY_TRY(text_of(json, "expected"));
  out.found = ASSAY_TRY(text_of(json, "found"));
  out.detail = ASSAY_TRY(text_of(json, "detail"));
  if (json.find("bisection")) out.bisection = ASSAY_TRY(text_of(json, "bisection"));
  if (json.find("operator")) out.culprit = ASSAY_TRY(culprit_from(json["operator"]));
  return out;
}

Result<std::vector<ReplaySegment>> segments_from(const Json& json, std::uint64_t steps) {
  if (!json.is_array() || json.size() > kMostSegments) return broken("\"segments\" must be an array");
  std::vector<ReplaySegment> out;
  for (const Json& one : json.items()) {
    const ReplaySegment segment{ASSAY_TRY(natural_of(one, "from")), ASSAY_TRY(natural_of(one, "until"))};
    if (segment.from >= segment.until || segment.until > steps ||
        (!out.empty() && segment.from < out.back().until))
      return broken("segments must ascend and lie within the run's steps");
    out.push_back(segment);
  }
  return out;
}

Result<ReplaySample> sample_from(const Json& json) {
  const ReplaySample sample{ASSAY_TRY(natural_of(json, "segments")), ASSAY_TRY(natural_of(json, "drawn")),
                            ASSAY_TRY(natural_of(json, "seed"))};
  if (sample.drawn == 0 || sample.drawn > sample.segments)
    return broken("a sample of no segments, or of more than there are");
  return sample;
}

Finding finding(const char* code, Severity severity, const std::string& subject, std::string text) {
  return {code, Level::reproduced, severity, subject, "", "", std::move(text), {}};
}

std::string place_of(const ReplayDifference& difference) {
  return difference.step == 0 ? "before the first step" : "at step " + with_separators(difference.step);
}

Finding culprit_finding(const std::string& experiment, const ReplayCulprit& culprit) {
  Finding one = finding(
      "R109", Severity::error, experiment,
      "the difference comes from operator " + culprit.name + ", call " + with_separators(culprit.call) +
          " of " + (culprit.step ? "step " + with_separators(culprit.step) : "the model's construction") +
          (culprit.where.empty() ? "" : " (" + culprit.where + ")") +
          (culprit.element.empty() ? "" : ", " + culprit.element));
  one.expected = culprit.expected + " (" + culprit.reference + ")";
  one.found = culprit.found + " (" + culprit.replay + ")";
  one.data = Json::object({{"step", culprit.step}, {"call", culprit.call}, {"operator", culprit.name}});
  return one;
}

struct ProbeFinding {
  std::string_view name;
  const char* code;
  Severity yes;
};
constexpr ProbeFinding kProbeFindings[] = {
    {"state", "R110", Severity::warning},    {"future", "R111", Severity::error},
    {"length", "R112", Severity::warning},   {"neighbours", "R113", Severity::warning},
    {"padding", "R114", Severity::warning},  {"stepwise", "R115", Severity::warning},
    {"parameters", "R116", Severity::error}, {"gradients", "R117", Severity::warning}};

Finding probe_finding(const std::string& experiment, const ReplayProbe& probe) {
  const ProbeFinding* of = kProbeFindings;
  while (of->name != probe.name) ++of;
  Severity severity = Severity::note;
  if (probe.answer == "yes") severity = of->yes;
  if (probe.answer == "failed") severity = Severity::warning;
  Finding one = finding(of->code, severity, experiment, "probe " + probe.name + ": " + probe.text);
  one.data = Json::object({{"probe", probe.name}, {"answer", probe.answer}});
  return one;
}

Result<std::vector<ReplayProbe>> probes_from(const Json& json) {
  std::vector<ReplayProbe> out;
  for (const Json& one : json.items()) {
    ReplayProbe probe{ASSAY_TRY(text_of(one, "name")), ASSAY_TRY(text_of(one, "answer")),
                      ASSAY_TRY(text_of(one, "text"))};
    const auto named = [&](const ReplayProbe& other) { return other.name == probe.name; };
    if (std::find(kProbes.begin(), kProbes.end(), probe.name) == kProbes.end() ||
        std::find(kProbeAnswers.begin(), kProbeAnswers.end(), probe.answer) == kProbeAnswers.end() ||
        std::any_of(out.begin(), out.end(), named))
      return broken("a probe that there is not, or twice: " + describe(one["name"]));
    out.push_back(std::move(probe));
  }
  return out;
}

std::string sample_text(const ReplaySample& sample) {
  return with_separators(sample.drawn) + " of " + counted(sample.segments, "segment") + " drawn by seed " +
         std::to_string(sample.seed) + ": one altered segment would have been caught with probability " +
         std::to_string(static_cast<int>(100 * detection_probability(sample.segments, sample.drawn, 1))) +
         " %";
}

}  // namespace

double detection_probability(std::uint64_t segments, std::uint64_t drawn, std::uint64_t altered) {
  if (altered == 0 || drawn == 0) return 0;
  if (drawn + altered > segments) return 1;
  // C(n - m, k) / C(n, k) as a product of k factors below 1.
  double missed = 1;
  for (std::uint64_t i = 0; i < drawn; ++i)
    missed *= static_cast<double>(segments - altered - i) / static_cast<double>(segments - i);
  return 1 - missed;
}

std::uint64_t ReplayResult::checked() const {
  std::uint64_t steps_done = 0;
  for (const ReplaySegment& segment : segments) steps_done += segment.until - segment.from;
  return steps_done;
}

std::vector<Finding> ReplayResult::findings() const {
  std::vector<Finding> all;
  const std::string amount = with_separators(checked()) + " of " + counted(steps, "step");
  if (difference) {
    Finding differs = finding("R101", Severity::error, experiment,
                              "the replay differs " + place_of(*difference) + ": " + difference->what +
                                  (difference->detail.empty() ? "" : " (" + difference->detail + ")"));
    differs.expected = difference->expected;
    differs.found = difference->found;
    differs.data = Json::object({{"step", difference->step}, {"what", difference->what}});
    all.push_back(std::move(differs));
    if (difference->culprit) all.push_back(culprit_finding(experiment, *difference->culprit));
  } else if (new_run) {
    all.push_back(finding("R103", Severity::note, experiment,
                          "run anew under a recipe that the authors did not seal (" + amount +
                              "): a new run, which reproduces nothing"));
  } else if (same()) {
    all.push_back(finding("R102", Severity::note, experiment, "replayed with the same bits: " + amount));
  }
  if (sample) all.push_back(finding("R104", Severity::note, experiment, sample_text(*sample)));
  if (!strict)
    all.push_back(
        finding("R105", Severity::warning, experiment,
                "operators without a certified kernel were allowed: their bits may be this machine's alone"));
  for (const ReplayProbe& probe : probes) all.push_back(probe_finding(experiment, probe));
  return all;
}

std::string ReplayResult::encode() const {
  Json list = Json::array(), found = Json::array();
  for (const ReplaySegment& segment : segments)
    list.push(Json::object({{"from", segment.from}, {"until", segment.until}}));
  for (const Finding& one : findings()) found.push(formats::to_json(one));
  Json json = Json::object({{"assay", "replay"},
                            {"version", 1},
                            {"bundle", bundle.hex()},
                            {"experiment", experiment},
                            {"recipe", recipe.hex()},
                            {"kind", new_run ? "new run" : "reproduction"},
                            {"steps", steps},
                            {"chain", chain.hex()},
                            {"segments", std::move(list)},
                            {"strict", strict},
                            {"environment", environment},
                            {"findings", std::move(found)}});
  if (program) json.set("program", program->hex());
  if (!probes.empty()) {
    Json answers = Json::array();
    for (const ReplayProbe& probe : probes)
      answers.push(Json::object({{"name", probe.name}, {"answer", probe.answer}, {"text", probe.text}}));
    json.set("probes", std::move(answers));
  }
  if (difference) json.set("difference", difference_json(*difference));
  if (sample)
    json.set(
        "sample",
        Json::object({{"segments", sample->segments}, {"drawn", sample->drawn}, {"seed", sample->seed}}));
  return json.dump_canonical();
}

Result<ReplayResult> ReplayResult::decode(std::string_view text) {
  const Json json = ASSAY_TRY(parse_object(text));
  if (json["assay"].string_or("") != "replay" || json["version"].integer() != 1)
    return broken(R"(expected "assay": "replay", "version": 1)");
  ReplayResult out;
  out.bundle = ASSAY_TRY(digest_of(json, "bundle"));
  out.experiment = ASSAY_TRY(text_of(json, "experiment"));
  if (!is_experiment_id(out.experiment)) return broken("\"experiment\" must be an id");
  out.recipe = ASSAY_TRY(digest_of(json, "recipe"));
  if (json.find("program")) out.program = ASSAY_TRY(digest_of(json, "program"));
  out.new_run = json["kind"].string_or("") == "new run";
  out.steps = ASSAY_TRY(natural_of(json, "steps"));
  out.chain = ASSAY_TRY(digest_of(json, "chain"));
  out.segments = ASSAY_TRY(segments_from(json["segments"], out.steps));
  if (json.find("difference")) out.difference = ASSAY_TRY(difference_from(json["difference"]));
  if (json.find("sample")) out.sample = ASSAY_TRY(sample_from(json["sample"]));
  if (json.find("probes")) out.probes = ASSAY_TRY(probes_from(json["probes"]));
  out.strict = json["strict"].boolean().value_or(true);
  out.environment = json["environment"];
  if (!out.environment.is_object()) return broken("\"environment\" must be an object");
  // What is derived (the findings) is derived again: nothing in it can say something else.
  if (out.encode() != text) return broken("not in the one form that these facts have");
  return out;
}

Result<ReplayFile> parse_replay_file(std::string_view text) {
  const std::string_view document = trim(text);
  if (document.starts_with("{\"payload\"")) {
    Envelope envelope = ASSAY_TRY(Envelope::decode(document));
    if (envelope.payload_type != kReplayPayload)
      return broken("an envelope of type " + shorten(envelope.payload_type, 100) + ", expected " +
                    std::string(kReplayPayload));
    ReplayFile file;
    file.result = ASSAY_TRY(ReplayResult::decode(envelope.payload));
    file.envelope = std::move(envelope);
    return file;
  }
  ReplayFile file;
  file.result = ASSAY_TRY(ReplayResult::decode(document));
  return file;
}

}  // namespace assay::formats
