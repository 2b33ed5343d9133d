#include "verify/query/diff.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/text.hpp"
#include "verify/query/line_diff.hpp"
#include "verify/query/records.hpp"

namespace assay::verify {

namespace {

using formats::Experiment;
using formats::ItemSource;

// Texts beyond this are compared by digest only.
constexpr std::size_t kLargestText = 16u << 20;

Json side_json(const Experiment& record) {
  Json json = Json::object({{"id", record.id}});
  if (record.name) json.set("name", *record.name);
  return json;
}

Json fields_json(const Experiment& a, const Experiment& b) {
  const Json left = a.to_json(), right = b.to_json();
  std::vector<std::string> keys;
  for (const Json* side : {&left, &right})
    for (const auto& member : side->members())
      if (member.key != "id" && member.key != "files" &&
          std::find(keys.begin(), keys.end(), member.key) == keys.end())
        keys.push_back(member.key);
  Json out = Json::array();
  for (const std::string& key : keys) {
    if (left[key] == right[key]) continue;
    Json entry = Json::object({{"field", key}});
    if (left.find(key)) entry.set("a", left[key]);
    if (right.find(key)) entry.set("b", right[key]);
    out.push(std::move(entry));
  }
  return out;
}

// The last value of each metric, in the order of the file.
std::vector<std::pair<std::string, double>> last_values(const std::vector<formats::MetricValue>& values) {
  std::vector<std::pair<std::string, double>> out;
  std::map<std::string, std::size_t> place;
  for (const auto& value : values) {
    const auto [found, fresh] = place.emplace(value.metric, out.size());
    if (fresh)
      out.emplace_back(value.metric, value.value);
    else
      out[found->second].second = value.value;
  }
  return out;
}

std::optional<double> value_of(const std::vector<std::pair<std::string, double>>& values,
                               const std::string& metric) {
  for (const auto& [name, value] : values)
    if (name == metric) return value;
  return std::nullopt;
}

Json metric_json(const std::string& metric, std::optional<double> a, std::optional<double> b,
                 std::string_view direction) {
  Json entry = Json::object({{"metric", metric}});
  if (a) entry.set("a", *a);
  if (b) entry.set("b", *b);
  if (!a || !b || !std::isfinite(*a) || !std::isfinite(*b)) return entry;
  entry.set("change", *b - *a);
  if (!direction.empty() && *a != *b) entry.set("better", (*b > *a) == (direction == "higher") ? "b" : "a");
  return entry;
}

std::string direction_of(const formats::CampaignHead& head, const std::string& metric) {
  for (const auto& description : head.metrics)
    if (description.name == metric) return description.direction;
  return "";
}

Result<Json> metrics_json(const ExperimentAt& a, const ExperimentAt& b) {
  const auto head = read_head(b.items);
  const auto left = last_values(ASSAY_TRY(read_metrics(a.items, a.id)));
  const auto right = last_values(ASSAY_TRY(read_metrics(b.items, b.id)));
  std::vector<std::string> names;
  for (const auto* side : {&left, &right})
    for (const auto& [name, value] : *side)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  Json out = Json::array();
  for (const std::string& name : names)
    out.push(metric_json(name, value_of(left, name), value_of(right, name),
                         head.ok() ? direction_of(*head, name) : ""));
  return out;
}

Json hunks_json(const LineDiff& diff) {
  Json out = Json::array();
  for (const Hunk& hunk : hunks_of(diff)) {
    Json lines = Json::array();
    for (const std::string& line : hunk.lines) lines.push(as_utf8(line));
    out.push(Json::object({{"a_start", hunk.a_start},
                           {"a_count", hunk.a_count},
                           {"b_start", hunk.b_start},
                           {"b_count", hunk.b_count},
                           {"lines", std::move(lines)}}));
  }
  return out;
}

// What keeps two contents from being compared by lines; empty if nothing does.
std::string not_comparable(const std::optional<std::string>& a, const std::optional<std::string>& b) {
  if (!a || !b) return "not both are in the bundle";
  if (a->size() > kLargestText || b->size() > kLargestText)
    return "larger than 16 MiB: compared by digest only";
  if (a->find('\0') != std::string::npos || b->find('\0') != std::string::npos)
    return "not text: compared by digest only";
  return "";
}

void add_line_diff(Json& out, const std::string& a, const std::string& b) {
  const LineDiff diff = diff_lines(a, b);
  out.set("removed", diff.removed).set("added", diff.added).set("shortest", diff.shortest);
  // Bytes that are not UTF-8 cannot stand in JSON: the hunks then show where, not what, and apply to nothing.
  const bool exact =
      first_invalid_utf8(a) == std::string_view::npos && first_invalid_utf8(b) == std::string_view::npos;
  out.set("exact", exact).set("hunks", hunks_json(diff));
}

Result<Json> program_json(const ExperimentAt& a, const Experiment& left, const ExperimentAt& b,
                          const Experiment& right) {
  Json out = Json::object();
  const auto item_of = [](const Experiment& record) {
    const auto file = record.files.find("program");
    return file == record.files.end() ? std::string() : file->second;
  };
  const std::string a_name = item_of(left), b_name = item_of(right);
  if (!a_name.empty()) out.set("a", describe_item(a.items, a_name));
  if (!b_name.empty()) out.set("b", describe_item(b.items, b_name));
  if (a_name.empty() || b_name.empty()) {
    const bool neither = a_name.empty() && b_name.empty();
    const std::string& lacking = a_name.empty() ? left.id : right.id;
    return out.set("compared", false)
        .set("why_not", neither ? "neither experiment has a program on record"
                                : "experiment " + lacking + " has no program on record");
  }
  const auto a_text = ASSAY_TRY(read_if_present(a.items, a_name)),
             b_text = ASSAY_TRY(read_if_present(b.items, b_name));
  const std::string why_not = not_comparable(a_text, b_text);
  out.set("compared", why_not.empty());
  if (a_text && b_text) out.set("same", *a_text == *b_text);
  if (!why_not.empty()) return out.set("why_not", why_not);
  add_line_diff(out, *a_text, *b_text);
  return out;
}

Json files_json(const ExperimentAt& a, const Experiment& left, const ExperimentAt& b,
                const Experiment& right) {
  std::set<std::string> roles;
  for (const Experiment* record : {&left, &right})
    for (const auto& [role, item] : record->files) roles.insert(role);
  Json out = Json::array();
  for (const std::string& role : roles) {
    Json entry = Json::object({{"role", role}});
    const auto x = left.files.find(role), y = right.files.find(role);
    if (x != left.files.end()) entry.set("a", describe_item(a.items, x->second));
    if (y != right.files.end()) entry.set("b", describe_item(b.items, y->second));
    const bool both = entry["a"]["digest"].string() && entry["b"]["digest"].string();
    out.push(entry.set("same", both && entry["a"]["digest"] == entry["b"]["digest"]));
  }
  return out;
}

}  // namespace

Result<std::string> parent_to_compare(const ItemSource& items, std::string_view id) {
  const Experiment record = ASSAY_TRY(read_experiment(items, id));
  const std::string hint = "name the experiment to compare with: assay diff FILE " + record.id + " OTHER";
  if (!record.parents)
    return Error{Fault::missing, "experiment " + record.id + " has no parents on record", "", hint};
  if (record.parents->empty())
    return Error{Fault::missing, "experiment " + record.id + " was made from no other: it has no parent", "",
                 hint};
  const std::string& parent = record.parents->front();
  if (presence_of(items, "experiments/" + parent + "/experiment.json") == Presence::absent)
    return Error{Fault::missing,
                 "the parent of experiment " + record.id + ", " + parent + ", is not in the bundle", "",
                 hint};
  return parent;
}

Result<Json> diff_experiments(const ExperimentAt& a, const ExperimentAt& b) {
  const Experiment left = ASSAY_TRY(read_experiment(a.items, a.id)),
                   right = ASSAY_TRY(read_experiment(b.items, b.id));
  Json metrics = ASSAY_TRY(metrics_json(a, b));
  Json program = ASSAY_TRY(program_json(a, left, b, right));
  return Json::object({{"assay", "diff"},
                       {"version", 1},
                       {"what", "experiments"},
                       {"a", side_json(left)},
                       {"b", side_json(right)},
                       {"fields", fields_json(left, right)},
                       {"metrics", std::move(metrics)},
                       {"files", files_json(a, left, b, right)},
                       {"program", std::move(program)}});
}

}  // namespace assay::verify
