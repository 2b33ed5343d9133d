#include "verify/query/show_experiment.hpp"

#include <algorithm>
#include <cmath>

#include "verify/query/records.hpp"

namespace assay::verify {

namespace {

using formats::ItemSource;

// The values of one metric in the order of the file: a summary, and the points themselves.
Json metric_json(const std::string& name, const std::vector<const formats::MetricValue*>& values) {
  double low = INFINITY, high = -INFINITY;
  std::uint64_t not_finite = 0;
  Json steps = Json::array(), numbers = Json::array();
  bool stepped = false;
  for (const auto* value : values) {
    if (std::isfinite(value->value))
      low = std::min(low, value->value), high = std::max(high, value->value);
    else
      ++not_finite;
    stepped = stepped || value->step;
    steps.push(value->step ? Json(*value->step) : Json());
    numbers.push(value->value);
  }
  Json json = Json::object({{"metric", name},
                            {"points", values.size()},
                            {"last", values.back()->value},
                            {"text", values.back()->text}});
  if (values.size() > 1) json.set("first", values.front()->value);
  if (values.size() > 1 && low <= high) json.set("min", low).set("max", high);
  if (not_finite > 0) json.set("not_finite", not_finite);
  if (stepped) json.set("steps", std::move(steps));
  return json.set("values", std::move(numbers));
}

Json metrics_json(const std::vector<formats::MetricValue>& values) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const formats::MetricValue*>> by_name;
  for (const auto& value : values) {
    auto& list = by_name[value.metric];
    if (list.empty()) order.push_back(value.metric);
    list.push_back(&value);
  }
  Json out = Json::array();
  for (const std::string& name : order) out.push(metric_json(name, by_name[name]));
  return out;
}

Json files_json(const ItemSource& items, const formats::Experiment& record) {
  Json out = Json::array();
  std::vector<std::string> named;
  for (const auto& [role, item] : record.files) {
    Json entry = Json::object({{"role", role}});
    const Json description = describe_item(items, item);
    for (const auto& member : description.members()) entry.set(member.key, member.value);
    out.push(std::move(entry));
    named.push_back(item);
  }
  const auto [first, last] = items.manifest().range("experiments/" + record.id + "/");
  for (std::size_t i = first; i < last; ++i) {
    const std::string name = items.manifest().entry(i).name;
    if (std::find(named.begin(), named.end(), name) == named.end()) out.push(describe_item(items, name));
  }
  return out;
}

Json absent_json(const formats::Experiment& record, bool has_metrics, bool has_steps) {
  const auto role = [&record](const char* name) { return record.files.count(name) > 0; };
  const std::pair<const char*, bool> rows[] = {{"name", record.name.has_value()},
                                               {"parents", record.parents.has_value()},
                                               {"status", record.status.has_value()},
                                               {"score", record.score.has_value()},
                                               {"created", record.created.has_value()},
                                               {"seeds", record.seeds.size() > 0},
                                               {"dataset", record.dataset.size() > 0},
                                               {"program", role("program")},
                                               {"motivation", role("motivation")},
                                               {"analysis", role("analysis")},
                                               {"log", role("log")},
                                               {"environment", role("environment")},
                                               {"metrics", has_metrics},
                                               {"agent steps", has_steps}};
  Json out = Json::array();
  for (const auto& [name, there] : rows)
    if (!there) out.push(name);
  return out;
}

}  // namespace

Json mention_experiment(const ItemSource& items, std::string_view id) {
  Json json = Json::object({{"id", as_utf8(id)}});
  const std::string name = "experiments/" + std::string(id) + "/experiment.json";
  const auto record = formats::is_experiment_id(id) && presence_of(items, name) == Presence::present
                          ? read_experiment(items, id)
                          : Result<formats::Experiment>(Error{});
  json.set("on_record", record.ok());
  if (!record.ok()) return json;
  if (record->name) json.set("name", *record->name);
  if (record->status) json.set("status", *record->status);
  if (record->score) json.set("score", *record->score);
  return json.set("record", describe_item(items, name));
}

Result<Json> show_experiment(const ItemSource& items, std::string_view id) {
  const formats::Experiment record = ASSAY_TRY(read_experiment(items, id));
  const auto metrics = ASSAY_TRY(read_metrics(items, id));
  Json parents = Json::array(), steps = Json::array();
  for (const std::string& parent : record.parents.value_or(std::vector<std::string>()))
    parents.push(mention_experiment(items, parent));
  for (const StepLine& line : ASSAY_TRY(read_steps(items)))
    if (line.step.experiment == id) steps.push(line.step.id);
  Json absent = absent_json(record, !metrics.empty(), steps.size() > 0);
  return Json::object({{"assay", "show"},
                       {"version", 1},
                       {"what", "experiment"},
                       {"record", record.to_json()},
                       {"parents", std::move(parents)},
                       {"metrics", metrics_json(metrics)},
                       {"files", files_json(items, record)},
                       {"steps", std::move(steps)},
                       {"absent", std::move(absent)}});
}

}  // namespace assay::verify
