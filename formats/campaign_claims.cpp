// steps.jsonl, claims.json and baselines.json.
#include <set>

#include "formats/campaign.hpp"
#include "formats/fields.hpp"

namespace assay::formats {

namespace {

constexpr std::size_t kMost = 1000;  // claims or baselines: each is compared with every experiment

// The array under `key`, the only thing that the document must have.
Result<Json> listed(std::string_view text, std::string_view key) {
  const Json document = ASSAY_TRY(parse_object(text));
  Json list;
  Fields fields(document);
  fields.require(key).array(key, list);
  if (list.size() > kMost) fields.refuse(key, "at most " + std::to_string(kMost) + " of them");
  ASSAY_TRY(fields.status());
  return list;
}

Result<Claim> parse_claim(const Json& json, std::string path) {
  Claim claim;
  claim.raw = json;
  Fields fields(json, std::move(path));
  fields.require("id").text("id", claim.id).text("text", claim.text);
  fields.require("kind").one_of("kind", claim.kind, {"gain", "count", "value", "text"});
  fields.text("metric", claim.metric).text("baseline", claim.baseline).text("of", claim.of);
  fields.texts("experiments", claim.experiments).number("value", claim.value).number("gain", claim.gain);
  fields.boolean("external", claim.external).object("source", claim.source);
  if (claim.kind == "count") fields.require("of").require("value");
  ASSAY_TRY(fields.status());
  return claim;
}

Result<Baseline> parse_baseline(const Json& json, std::string path) {
  Baseline baseline;
  Fields fields(json, std::move(path));
  fields.require("id")
      .text("id", baseline.id)
      .text("name", baseline.name)
      .number_map("metrics", baseline.metrics);
  fields.boolean("external", baseline.external).object("source", baseline.source);
  ASSAY_TRY(fields.status());
  return baseline;
}

template <typename T>
Result<std::vector<T>> parse_list(std::string_view text, const std::string& key,
                                  Result<T> (*parse)(const Json&, std::string)) {
  const Json list = ASSAY_TRY(listed(text, key));
  std::vector<T> out;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = key + "[" + std::to_string(i) + "].";
    T one = ASSAY_TRY(parse(list.items()[i], path));
    if (!ids.insert(one.id).second)
      return Error{Fault::malformed, "the id " + describe(Json(one.id)) + " is there already",
                   "field \"" + path + "id\"", "ids are unique"};
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

Result<Step> Step::parse(std::string_view line) {
  Step step;
  step.raw = ASSAY_TRY(parse_object(line));
  Fields fields(step.raw);
  fields.require("id").text("id", step.id).text("experiment", step.experiment).text("agent", step.agent);
  fields.text("call", step.call)
      .text("time", step.time)
      .text("model", step.model)
      .text("status", step.status);
  fields.text("transcript", step.transcript).integer("order", step.order).integer("attempt", step.attempt);
  Json reads;
  fields.texts("writes", step.writes).object("reads", reads);
  if (fields.ok() && step.id.empty()) fields.refuse("id", "a text that is not empty");
  if (step.experiment && !is_experiment_id(*step.experiment)) fields.refuse("experiment", "an experiment id");
  ASSAY_TRY(fields.status());
  if (!reads.is_null()) {
    Fields inner(reads, "reads.");
    ASSAY_TRY(inner.texts("parents", step.reads_parents).texts("knowledge", step.reads_knowledge).status());
  }
  return step;
}

Result<std::vector<Claim>> parse_claims(std::string_view text) {
  return parse_list<Claim>(text, "claims", parse_claim);
}

Result<std::vector<Baseline>> parse_baselines(std::string_view text) {
  return parse_list<Baseline>(text, "baselines", parse_baseline);
}

}  // namespace assay::formats
