#include "verify/query/audit.hpp"

#include <algorithm>
#include <set>

#include "toolkit/base/text.hpp"
#include "verify/query/audit_steps.hpp"
#include "verify/query/lineage.hpp"
#include "verify/query/records.hpp"
#include "verify/query/show_experiment.hpp"

namespace assay::verify {

namespace {

using formats::Experiment;
using formats::ItemSource;

// A field of the record, and the content behind it where a role of that name has some.
struct FieldSource {
  std::string field;
  std::string item;  ///< where its value stands; empty: a step wrote it, and it is not on record
};

// The words of a system for the same thing: a step that writes "parent" wrote the record's "parents".
bool same_field(std::string_view written, std::string_view field) {
  if (written == field) return true;
  static constexpr std::pair<std::string_view, std::string_view> kSame[] = {{"parent", "parents"},
                                                                            {"result", "metrics"},
                                                                            {"results", "metrics"},
                                                                            {"code", "program"},
                                                                            {"eval_score", "score"}};
  return std::any_of(std::begin(kSame), std::end(kSame),
                     [&](const auto& row) { return row.first == written && row.second == field; });
}

std::vector<FieldSource> fields_of(const ItemSource& items, const Experiment& record,
                                   const std::vector<const StepLine*>& steps) {
  const std::string folder = "experiments/" + record.id + "/", own = folder + "experiment.json";
  std::vector<FieldSource> fields;
  if (record.name) fields.push_back({"name", own});
  if (record.parents) fields.push_back({"parents", own});
  for (const auto& [role, item] : record.files) fields.push_back({role, item});
  if (record.score) fields.push_back({"score", own});
  if (presence_of(items, folder + "metrics.csv") != Presence::absent)
    fields.push_back({"metrics", folder + "metrics.csv"});
  for (const StepLine* line : steps)
    for (const std::string& written : line->step.writes) {
      const auto same = [&](const FieldSource& have) { return same_field(written, have.field); };
      if (std::any_of(fields.begin(), fields.end(), same)) continue;
      const bool member = record.extra.find(written) || record.extra["extra"].find(written);
      fields.push_back({written, member ? own : ""});
    }
  return fields;
}

Json field_json(const ItemSource& items, const FieldSource& source,
                const std::vector<const StepLine*>& steps) {
  Json json = Json::object({{"field", as_utf8(source.field)}});
  Json writers = Json::array();
  for (const StepLine* line : steps) {
    const auto& writes = line->step.writes;
    if (std::any_of(writes.begin(), writes.end(),
                    [&](const auto& written) { return same_field(written, source.field); }))
      writers.push(line->step.id);
  }
  const bool written = writers.size() > 0;
  json.set("written_by", std::move(writers)).set("on_record", written);
  if (source.item.empty()) return json.set("content", Json::object({{"content", name_of(Presence::absent)}}));
  return json.set("content", describe_item(items, source.item));
}

void add_missing(Json& missing, std::string_view what, const std::string& text) {
  missing.push(Json::object({{"what", what}, {"text", as_utf8(text)}}));
}

void say_what_is_missing(Json& missing, const ItemSource& items, const Experiment& record, const Json& fields,
                         const Json& steps) {
  const bool any_steps = presence_of(items, "steps.jsonl") != Presence::absent;
  if (!any_steps)
    add_missing(missing, "steps",
                "The campaign has no record of agent steps (steps.jsonl): who wrote what cannot be told.");
  else if (steps.size() == 0)
    add_missing(missing, "steps", "No agent step on record names this experiment.");
  if (!record.parents)
    add_missing(missing, "parents", "The record does not say which experiments this one was made from.");
  std::vector<std::string> unexplained;
  for (const Json& field : fields.items())
    if (!field["on_record"].boolean().value_or(false)) unexplained.emplace_back(field["field"].string_or(""));
  if (any_steps && steps.size() > 0 && !unexplained.empty())
    add_missing(missing, "writer", "No step on record wrote: " + join(unexplained, ", ") + ".");
  for (const Json& field : fields.items())
    if (!field["content"]["item"].string())
      add_missing(
          missing, "field",
          "Steps wrote " + std::string(field["field"].string_or("")) + ", which is not in the record.");
  for (const Json& step : steps.items()) {
    const std::string id(step["id"].string_or(""));
    if (step["prompt"]["on_record"].boolean() == false)
      add_missing(missing, "prompt",
                  "The prompt of step " + id +
                      " is not on record: " + std::string(step["prompt"]["text"].string_or("")) + ".");
    for (const Json& piece : step["knowledge"].items())
      if (piece["on_record"].boolean() == false)
        add_missing(missing, "knowledge",
                    "Step " + id + " read knowledge " + std::string(piece["id"].string_or("")) +
                        ", whose text is not on record.");
    for (const Json& parent : step["parents"].items())
      if (parent["on_record"].boolean() == false)
        add_missing(missing, "parents",
                    "Step " + id + " read experiment " + std::string(parent["id"].string_or("")) +
                        ", which is not in this bundle.");
  }
  if (record.seeds.size() == 0)
    add_missing(missing, "seeds", "No random seed of this experiment is on record.");
  if (record.dataset["sha256"].is_null())
    add_missing(missing, "dataset", "No digest of the training data is on record.");
}

Json parents_json(const ItemSource& items, const Experiment& record) {
  Json parents = Json::array();
  for (const std::string& parent : record.parents.value_or(std::vector<std::string>()))
    parents.push(mention_experiment(items, parent));
  return parents;
}

// Ancestors beyond the parents, nearest first, reading only their records.
constexpr std::size_t kAncestors = 1000;

Json ancestors_json(const ItemSource& items, const Experiment& record) {
  struct Next {
    std::string id, via;
    int distance;
  };
  std::vector<Next> queue;
  std::set<std::string> seen = {record.id};
  const auto push_parents = [&](const Experiment& of, int distance) {
    for (const std::string& parent : of.parents.value_or(std::vector<std::string>()))
      if (queue.size() < kAncestors && seen.insert(parent).second) queue.push_back({parent, of.id, distance});
  };
  push_parents(record, 1);
  Json out = Json::array();
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const Next next = queue[i];
    out.push(mention_experiment(items, next.id).set("distance", next.distance).set("via", next.via));
    const auto ancestor = read_experiment(items, next.id);
    if (ancestor.ok()) push_parents(*ancestor, next.distance + 1);
  }
  return out;
}

}  // namespace

Result<Json> audit_experiment(const ItemSource& items, std::string_view id) {
  const Experiment record = ASSAY_TRY(read_experiment(items, id));
  const auto all_steps = ASSAY_TRY(read_steps(items));
  const auto knowledge = ASSAY_TRY(read_knowledge(items));
  const auto own = steps_of(all_steps, record.id);

  Json fields = Json::array(), steps = Json::array(), missing = Json::array();
  for (const FieldSource& source : fields_of(items, record, own)) fields.push(field_json(items, source, own));
  const auto links = ASSAY_TRY(read_exchange_links(items));
  for (const StepLine* line : own) {
    Json step = describe_step(items, *line, knowledge);
    if (links) step.set("exchanges", exchanges_json(items, *links, line->step.id));
    steps.push(std::move(step));
  }
  say_what_is_missing(missing, items, record, fields, steps);
  Json out = Json::object({{"assay", "audit"}, {"version", 1}, {"experiment", record.id}});
  if (record.name) out.set("name", *record.name);
  out.set("record", describe_item(items, "experiments/" + record.id + "/experiment.json"));
  out.set("steps_item", describe_item(items, "steps.jsonl"));
  out.set("fields", std::move(fields)).set("steps", std::move(steps));
  out.set("parents", parents_json(items, record)).set("ancestors", ancestors_json(items, record));
  out.set("selected", selected_json(items, all_steps, record.id));
  return out.set("missing", std::move(missing));
}

}  // namespace assay::verify
