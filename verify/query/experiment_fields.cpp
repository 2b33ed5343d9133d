#include "verify/query/experiment_fields.hpp"

#include <algorithm>
#include <cmath>

#include "toolkit/base/text.hpp"
#include "verify/query/lineage.hpp"

namespace assay::verify {

namespace {

using formats::CampaignTable;
using formats::Evidence;

FieldValue text_value(std::string_view text) { return std::string(text); }

std::optional<FieldValue> text_or_nothing(std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  return text_value(*text);
}

std::optional<FieldValue> json_value(const Json& json) {
  if (json.is_null()) return std::nullopt;
  if (const auto number = json.number()) return *number;
  if (const auto* text = json.string()) return *text;
  return json.dump();
}

// One number out of an experiment's values of one metric, in the order of its file.
std::optional<double> pick(std::string_view how, const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  if (how == "first") return values.front();
  if (how == "min") return *std::min_element(values.begin(), values.end());
  if (how == "max") return *std::max_element(values.begin(), values.end());
  return values.back();
}

}  // namespace

std::optional<FieldValue> ExperimentFields::value(std::size_t row, std::string_view field) const {
  const auto found = getters_.find(field);
  if (found == getters_.end()) return std::nullopt;
  return found->second(static_cast<std::uint32_t>(row));
}

void ExperimentFields::add_plain_fields() {
  const CampaignTable& table = campaign_->view.table();
  getters_["id"] = [&table](std::uint32_t row) { return text_value(table.id(row)); };
  getters_["name"] = [&table](std::uint32_t row) { return text_or_nothing(table.name(row)); };
  getters_["label"] = [&table](std::uint32_t row) { return text_or_nothing(table.label(row)); };
  getters_["status"] = [&table](std::uint32_t row) { return text_or_nothing(table.status(row)); };
  getters_["created"] = [&table](std::uint32_t row) { return text_or_nothing(table.created(row)); };
  getters_["parameters"] = [&table](std::uint32_t row) { return text_or_nothing(table.parameters(row)); };
  getters_["evicted"] = [&table](std::uint32_t row) { return text_value(table.evicted(row) ? "yes" : "no"); };
  getters_["steps"] = [&table](std::uint32_t row) { return static_cast<double>(table.steps_of(row)); };
  getters_["score"] = [&table](std::uint32_t row) -> std::optional<FieldValue> {
    if (const auto score = table.score(row)) return *score;
    return std::nullopt;
  };
  getters_["index"] = [&table](std::uint32_t row) -> std::optional<FieldValue> {
    if (const auto index = table.index(row)) return static_cast<double>(*index);
    return std::nullopt;
  };
  getters_["parents"] = [&table](std::uint32_t row) -> std::optional<FieldValue> {
    if (!table.parents_known(row)) return std::nullopt;
    std::vector<std::string> ids;
    for (const std::uint32_t parent : table.parents(row)) ids.emplace_back(table.parent_id(parent));
    return ids;
  };
  getters_["parent"] = [&table](std::uint32_t row) -> std::optional<FieldValue> {
    if (table.parents(row).empty()) return std::nullopt;
    return text_value(table.parent_id(table.parents(row)[0]));
  };
}

bool ExperimentFields::add_evidence_field(const std::string& field) {
  for (std::size_t i = 0; i < formats::kEvidenceNames.size(); ++i) {
    if (field != formats::kEvidenceNames[i]) continue;
    getters_[field] = [&table = table(),
                       what = static_cast<Evidence>(i)](std::uint32_t row) -> std::optional<FieldValue> {
      if (table.has(row, what)) return text_value("yes");
      return std::nullopt;
    };
    return true;
  }
  return false;
}

bool ExperimentFields::add_metric_field(const std::string& field) {
  const auto dot = field.find('.');
  const std::string how = field.substr(0, dot);
  if (dot == field.npos || (how != "metric" && how != "first" && how != "min" && how != "max")) return false;
  const CampaignTable& table = campaign_->view.table();
  const auto metric = table.metrics().names().find(field.substr(dot + 1));
  if (!metric) return false;
  std::vector<std::optional<double>> picked(table.size());
  for (const CampaignTable::Run& run : table.runs(*metric)) {
    std::vector<double> values;
    const auto places = table.metrics().places(*metric);
    const auto lines = table.lines(run.row);
    for (std::uint32_t i = run.first; i < run.first + run.count; ++i)
      values.push_back(lines.values[places[i].line]);
    picked[run.row] = pick(how, values);
  }
  getters_[field] = [picked = std::move(picked)](std::uint32_t row) -> std::optional<FieldValue> {
    if (picked[row]) return *picked[row];
    return std::nullopt;
  };
  return true;
}

bool ExperimentFields::add_lineage_field(const std::string& field) {
  if (field != "children" && field != "depth") return false;
  const Lineage lineage(table());
  if (field == "children") {
    std::vector<double> counts;
    for (std::uint32_t row = 0; row < size(); ++row)
      counts.push_back(static_cast<double>(lineage.children(row).size()));
    getters_[field] = [counts = std::move(counts)](std::uint32_t row) -> std::optional<FieldValue> {
      return counts[row];
    };
  } else {
    getters_[field] = [depths = lineage.depths()](std::uint32_t row) -> std::optional<FieldValue> {
      if (depths[row] < 0) return std::nullopt;
      return static_cast<double>(depths[row]);
    };
  }
  return true;
}

Status ExperimentFields::add_record_field(const formats::ItemSource& items, const std::string& field) {
  if (campaign_->records.empty())
    for (auto& record : ASSAY_TRY(read_experiments(items))) {
      std::string id = record.id;
      campaign_->records.emplace(std::move(id), std::move(record));
    }
  const auto dot = field.find('.');
  const std::string group = dot == field.npos ? "" : field.substr(0, dot),
                    key = dot == field.npos ? field : field.substr(dot + 1);
  const auto look = [group, key](const formats::Experiment& record) -> std::optional<FieldValue> {
    if (group == "seed") return json_value(record.seeds[key]);
    if (group == "dataset") return json_value(record.dataset[key]);
    if (group == "extra") return json_value(record.extra["extra"][key]);
    if (!group.empty()) return std::nullopt;
    if (const auto file = record.files.find(key); file != record.files.end()) return file->second;
    return json_value(record.extra[key]);
  };
  const auto& records = campaign_->records;
  const bool any = std::any_of(records.begin(), records.end(),
                               [&](const auto& entry) { return look(entry.second).has_value(); });
  if (!any)
    return Error{Fault::usage, "no experiment has a field \"" + escape_terminal(field) + "\"", "",
                 "fields: id name label index parents parent score status created parameters evicted "
                 "children depth steps, a role such as "
                 "program, metric.NAME first.NAME min.NAME max.NAME seed.NAME dataset.NAME extra.NAME"};
  getters_[field] = [campaign = campaign_.get(), look](std::uint32_t row) -> std::optional<FieldValue> {
    const auto found = campaign->records.find(campaign->view.table().id(row));
    return found == campaign->records.end() ? std::nullopt : look(found->second);
  };
  return {};
}

Result<ExperimentFields> ExperimentFields::read(const formats::ItemSource& items,
                                                const std::vector<std::string>& fields) {
  ExperimentFields out;
  CampaignView view = ASSAY_TRY(read_campaign(items));
  out.campaign_ = std::make_shared<Campaign>(Campaign{std::move(view), {}});
  out.add_plain_fields();
  for (const std::string& field : fields) {
    if (out.getters_.count(field) || out.add_evidence_field(field) || out.add_metric_field(field) ||
        out.add_lineage_field(field))
      continue;
    ASSAY_TRY(out.add_record_field(items, field));
  }
  return out;
}

}  // namespace assay::verify
