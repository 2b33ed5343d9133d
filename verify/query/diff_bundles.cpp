#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "formats/search_run.hpp"
#include "verify/query/diff.hpp"
#include "verify/query/records.hpp"

namespace assay::verify {

namespace {

using formats::ItemSource;
using formats::Manifest;

struct ItemChanges {
  Json added = Json::array(), removed = Json::array(), changed = Json::array();
  std::uint64_t added_count = 0, removed_count = 0, changed_count = 0, unchanged = 0;
  std::vector<std::string> metrics;  ///< ids whose metrics.csv changed, were added or removed
};

// What stands behind the name in a manifest line: type, size and digest.
std::string_view description(const Manifest& manifest, std::size_t i) {
  return manifest.line(i).substr(manifest.name_field(i).size());
}

void note_metrics(ItemChanges& changes, const std::string& name) {
  const auto id = formats::experiment_of_item(name);
  if (id && name.ends_with("/metrics.csv")) changes.metrics.emplace_back(*id);
}

// Names compare as they are written, escaped; both manifests are sorted by the names themselves.
ItemChanges compare_items(const BundleSide& a, const BundleSide& b, std::size_t listed) {
  const Manifest &left = a.items.manifest(), &right = b.items.manifest();
  ItemChanges changes;
  std::size_t i = 0, j = 0;
  while (i < left.size() || j < right.size()) {
    const std::string x = i < left.size() ? left.entry(i).name : "",
                      y = j < right.size() ? right.entry(j).name : "";
    const int order = i == left.size() ? 1 : j == right.size() ? -1 : x.compare(y);
    if (order == 0 && description(left, i) == description(right, j)) {
      ++changes.unchanged;
    } else if (order == 0) {
      if (changes.changed_count++ < listed)
        changes.changed.push(Json::object(
            {{"item", as_utf8(x)}, {"a", describe_item(a.items, x)}, {"b", describe_item(b.items, y)}}));
      note_metrics(changes, x);
    } else if (order < 0) {
      if (changes.removed_count++ < listed) changes.removed.push(describe_item(a.items, x));
      note_metrics(changes, x);
    } else {
      if (changes.added_count++ < listed) changes.added.push(describe_item(b.items, y));
      note_metrics(changes, y);
    }
    i += order <= 0;
    j += order >= 0;
  }
  return changes;
}

// Every leaf of a JSON value under its path: "predicate.extents.sha256".
void flatten(const Json& value, const std::string& path, std::map<std::string, Json>& out) {
  if (value.size() == 0) {
    out[path] = value;
    return;
  }
  for (const auto& member : value.members())
    flatten(member.value, path.empty() ? member.key : path + "." + member.key, out);
  std::size_t number = 0;
  for (const Json& item : value.items()) flatten(item, path + "[" + std::to_string(number++) + "]", out);
}

Json compare_statements(const formats::Statement* a, const formats::Statement* b) {
  std::map<std::string, Json> left, right;
  const auto add = [](const formats::Statement* statement, std::map<std::string, Json>& out) {
    const auto json = statement ? Json::parse(statement->encode()) : Result<Json>(Json::object());
    if (json.ok()) flatten(*json, "", out);
  };
  add(a, left);
  add(b, right);
  std::set<std::string> paths;
  for (const auto* side : {&left, &right})
    for (const auto& [path, value] : *side) paths.insert(path);
  Json out = Json::array();
  for (const std::string& path : paths) {
    const auto x = left.find(path), y = right.find(path);
    if (x != left.end() && y != right.end() && x->second == y->second) continue;
    Json entry = Json::object({{"field", path}});
    if (x != left.end()) entry.set("a", x->second);
    if (y != right.end()) entry.set("b", y->second);
    out.push(std::move(entry));
  }
  return out;
}

using Values = std::map<std::pair<std::string, std::int64_t>, double>;

Result<Values> values_of(const ItemSource& items, const std::string& id) {
  Values values;
  for (const auto& value : ASSAY_TRY(read_metrics(items, id)))
    values[{value.metric, value.step.value_or(-1)}] = value.value;
  return values;
}

bool same_value(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Up to `room` changed numbers of one experiment, each with its place.
Status compare_metrics(const BundleSide& a, const BundleSide& b, const std::string& id, std::size_t listed,
                       Json& out, std::uint64_t& count) {
  const Values left = ASSAY_TRY(values_of(a.items, id)), right = ASSAY_TRY(values_of(b.items, id));
  std::set<std::pair<std::string, std::int64_t>> keys;
  for (const Values* side : {&left, &right})
    for (const auto& [key, value] : *side) keys.insert(key);
  for (const auto& key : keys) {
    const auto x = left.find(key), y = right.find(key);
    if (x != left.end() && y != right.end() && same_value(x->second, y->second)) continue;
    if (count++ >= listed) continue;
    Json entry = Json::object({{"experiment", id}, {"metric", key.first}});
    if (key.second >= 0) entry.set("step", key.second);
    if (x != left.end()) entry.set("a", x->second);
    if (y != right.end()) entry.set("b", y->second);
    out.push(std::move(entry));
  }
  return {};
}

Json side_json(const BundleSide& side) {
  Json json = Json::object({{"file", as_utf8(side.name)},
                            {"root", side.items.manifest().root().hex()},
                            {"items", side.items.manifest().size()}});
  if (const auto head = read_head(side.items); head.ok() && !head->title.empty())
    json.set("title", head->title);
  if (side.statement) json.set("generation", side.statement->generation);
  if (const auto root = formats::result_root(side.items.manifest())) json.set("result_root", root->hex());
  return json;
}

}  // namespace

Result<Json> diff_bundles(const BundleSide& a, const BundleSide& b, std::size_t listed) {
  ItemChanges changes = compare_items(a, b, listed);
  Json metrics = Json::array();
  std::uint64_t metric_count = 0;
  for (const std::string& id : changes.metrics)
    ASSAY_TRY(compare_metrics(a, b, id, listed, metrics, metric_count));
  Json left = side_json(a), right = side_json(b);
  const bool same = left["root"] == right["root"];
  Json items = Json::object({{"added_count", changes.added_count},
                             {"removed_count", changes.removed_count},
                             {"changed_count", changes.changed_count},
                             {"unchanged_count", changes.unchanged}});
  items.set("added", std::move(changes.added))
      .set("removed", std::move(changes.removed))
      .set("changed", std::move(changes.changed));
  return Json::object({{"assay", "diff"},
                       {"version", 1},
                       {"what", "bundles"},
                       {"a", std::move(left)},
                       {"b", std::move(right)},
                       {"same_root", same},
                       {"items", std::move(items)},
                       {"statement", compare_statements(a.statement, b.statement)},
                       {"metrics_count", metric_count},
                       {"metrics", std::move(metrics)}});
}

}  // namespace assay::verify
