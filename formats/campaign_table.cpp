#include "formats/campaign_table.hpp"

#include <algorithm>
#include <numeric>

#include "formats/item.hpp"
#include "toolkit/base/text.hpp"

namespace assay::formats {

namespace {

constexpr std::string_view kMetricsLeaf = "/metrics.csv";
constexpr std::size_t kDanglingKept = 1000;

// The file name's part before its first dot, of an item directly in an experiment's folder.
std::string_view stem_in_folder(std::string_view item, std::string_view id) {
  const std::string_view leaf = item.substr(std::string_view("experiments/").size() + id.size() + 1);
  return leaf.find('/') == leaf.npos ? leaf.substr(0, leaf.find('.')) : std::string_view();
}

std::optional<Evidence> evidence_of_role(std::string_view role) {
  if (role == "program") return Evidence::program;
  if (role == "motivation") return Evidence::motivation;
  if (role == "analysis") return Evidence::analysis;
  if (role == "environment") return Evidence::environment;
  if (role == "transcript") return Evidence::transcript;
  return std::nullopt;
}

std::optional<std::string> parameters_text(const Json& parameters) {
  if (parameters.is_null()) return std::nullopt;
  return parameters.string() ? *parameters.string() : parameters.dump();
}

}  // namespace

CampaignTable::CampaignTable(std::function<bool(std::string_view)> exists) : exists_(std::move(exists)) {}

std::uint32_t CampaignTable::slot(std::string_view id) {
  const std::uint32_t number = ids_.add(id);
  if (number >= records_.size()) records_.resize(number + 1);
  return number;
}

std::uint32_t CampaignTable::intern(const std::optional<std::string>& value) {
  return value ? texts_.add(*value) : kNone;
}

void CampaignTable::note(std::uint32_t slot, Evidence what) {
  records_[slot].evidence |= static_cast<std::uint16_t>(1u << static_cast<unsigned>(what));
}

void CampaignTable::add_name(std::string_view item) {
  if (item == "environment.json") campaign_environment_ = true;
  if (item == "knowledge.jsonl") knowledge_ = true;
  const auto id = experiment_of_item(item);
  if (!id || !is_experiment_id(*id)) return;
  const std::string_view leaf =
      item.substr(std::min(item.size(), std::string_view("experiments/").size() + id->size() + 1));
  if (leaf == "recipe.json") records_[slot(*id)].recipe = true;
  if (leaf == "trace.jsonl") records_[slot(*id)].trace = true;
  if (kind_of_item(item) == "checkpoints") note(slot(*id), Evidence::checkpoint);
  if (const auto evidence = evidence_of_role(stem_in_folder(item, *id))) note(slot(*id), *evidence);
}

bool CampaignTable::wants(std::string_view item) {
  if (item.ends_with(kMetricsLeaf)) {
    const auto id = experiment_of_item(item);
    return id && is_experiment_id(*id) &&
           item.size() == std::string_view("experiments").size() + 1 + id->size() + kMetricsLeaf.size();
  }
  if (item.starts_with("experiments/")) return experiment_record_id(item).has_value();
  return item == "campaign.json" || item == "claims.json" || item == "baselines.json" ||
         item == "steps.jsonl";
}

Status CampaignTable::add_content(std::string_view item, std::string_view content) {
  if (!wants(item)) return {};
  auto placed = [&](Status status) -> Status {
    if (status.ok()) return status;
    return std::move(status.error()).in(std::string(item));
  };
  auto take = [&](auto parsed, auto& into) -> Status {
    if (!parsed.ok()) return std::move(parsed.error()).in(std::string(item));
    into = *std::move(parsed);
    return {};
  };
  if (item == "campaign.json") return take(CampaignHead::parse(content), head_);
  if (item == "claims.json") return take(parse_claims(content), claims_);
  if (item == "baselines.json") return take(parse_baselines(content), baselines_);
  if (item == "steps.jsonl") return placed(add_steps(content));
  const std::string_view id = *experiment_of_item(item);
  if (item.ends_with(kMetricsLeaf)) return metrics_.add(slot(id), content, std::string(item));
  return placed(add_record(id, content));
}

Status CampaignTable::add_record(std::string_view folder_id, std::string_view content) {
  const Experiment experiment = ASSAY_TRY(Experiment::parse(content));
  if (experiment.id != folder_id)
    return Error{
        Fault::malformed,
        "expected the folder's name, \"" + std::string(folder_id) + "\", found \"" + experiment.id + "\"",
        "field \"id\"", ""};
  const std::uint32_t number = slot(experiment.id);
  if (records_[number].recorded) return Error{Fault::malformed, "this experiment is there already", "", ""};
  const std::size_t first_parent = parents_.size();
  if (experiment.parents)
    for (const std::string& parent : *experiment.parents) parents_.push_back(slot(parent));
  Record& record = records_[number];
  record.recorded = true;
  record.name = intern(experiment.name);
  record.label = intern(experiment.label);
  record.status = intern(experiment.status);
  record.created = intern(experiment.created);
  record.parameters = intern(parameters_text(experiment.parameters));
  record.parents_known = experiment.parents.has_value();
  record.parents = static_cast<std::uint32_t>(first_parent);
  record.parent_count = static_cast<std::uint32_t>(parents_.size() - first_parent);
  record.index = experiment.index.value_or(-1);
  record.has_score = experiment.score.has_value();
  record.score = experiment.score.value_or(0);
  record.evicted = experiment.evicted;
  if (experiment.seeds.size() > 0) note(number, Evidence::seed);
  if (experiment.dataset.find("sha256")) note(number, Evidence::dataset_hash);
  if (record.parents_known) note(number, Evidence::parents);
  if (record.has_score) note(number, Evidence::score);
  if (experiment.created) note(number, Evidence::created);
  note_files(number, experiment);
  return {};
}

void CampaignTable::note_files(std::uint32_t slot, const Experiment& experiment) {
  for (const auto& [role, item] : experiment.files) {
    // A checkpoint that was taken apart is there as its tensors and its header.
    if (exists_ && !exists_(item) && !exists_(item + "/.header")) {
      if (dangling_.size() < kDanglingKept) dangling_.push_back(experiment.id + ": " + role + " -> " + item);
      ++dangling_count_;
      continue;
    }
    if (const auto evidence = evidence_of_role(role)) note(slot, *evidence);
  }
}

Status CampaignTable::add_steps(std::string_view lines) {
  while (!lines.empty()) {
    ++step_lines_;
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    if (const std::string_view line = lines.substr(0, end); !trim(line).empty()) {
      auto step = Step::parse(line);
      if (!step.ok()) return std::move(step.error()).in("line " + std::to_string(step_lines_));
      add_step(*step);
    }
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return {};
}

void CampaignTable::add_step(const Step& step) {
  ++steps_;
  if (!step.experiment) return;
  const std::uint32_t number = slot(*step.experiment);
  ++records_[number].steps;
  const bool inline_transcript = step.raw.find("messages") || step.raw.find("response");
  if (inline_transcript || (step.transcript && (!exists_ || exists_(*step.transcript))))
    note(number, Evidence::transcript);
}

void CampaignTable::finish() {
  order_.clear();
  bool all_indexed = true;
  for (std::uint32_t number = 0; number < records_.size(); ++number) {
    if (!records_[number].recorded) continue;
    order_.push_back(number);
    all_indexed = all_indexed && records_[number].index >= 0;
  }
  std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (all_indexed && records_[a].index != records_[b].index) return records_[a].index < records_[b].index;
    return id_less(ids_[a], ids_[b]);
  });
  row_.assign(records_.size(), kNone);
  for (std::uint32_t row = 0; row < size(); ++row) row_[order_[row]] = row;
  index_shapes();
  for (const std::uint32_t number : order_) {
    if (campaign_environment_) note(number, Evidence::environment);
    if (!metrics_.has(number)) continue;
    if (!metrics_.of(number).keys.empty()) note(number, Evidence::metrics);
    for (const MetricKey& key : metrics_.of(number).keys)
      if (key.step >= 0) {
        note(number, Evidence::curve);
        break;
      }
  }
}

// ---- looking

std::optional<std::uint32_t> CampaignTable::find(std::string_view id) const {
  const auto number = ids_.find(id);
  return number ? parent_row(*number) : std::nullopt;
}

std::optional<std::uint32_t> CampaignTable::parent_row(std::uint32_t parent) const {
  if (parent >= row_.size() || row_[parent] == kNone) return std::nullopt;
  return row_[parent];
}

std::optional<std::string_view> CampaignTable::text(std::uint32_t row, std::uint32_t Record::*field) const {
  const std::uint32_t number = record(row).*field;
  if (number == kNone) return std::nullopt;
  return texts_[number];
}

std::optional<double> CampaignTable::score(std::uint32_t row) const {
  if (!record(row).has_score) return std::nullopt;
  return record(row).score;
}

std::optional<std::int64_t> CampaignTable::index(std::uint32_t row) const {
  if (record(row).index < 0) return std::nullopt;
  return record(row).index;
}

bool CampaignTable::has(std::uint32_t row, Evidence what) const {
  return record(row).evidence >> static_cast<unsigned>(what) & 1u;
}

std::span<const std::uint32_t> CampaignTable::parents(std::uint32_t row) const {
  return std::span(parents_).subspan(record(row).parents, record(row).parent_count);
}

void CampaignTable::index_shapes() {
  metrics_.index();
  shape_start_.assign(metrics_.shapes() + 1, 0);
  for (const std::uint32_t number : order_)
    if (metrics_.has(number)) ++shape_start_[metrics_.shape_of(number) + 1];
  std::partial_sum(shape_start_.begin(), shape_start_.end(), shape_start_.begin());
  std::vector<std::uint32_t> next(shape_start_.begin(), shape_start_.end() - 1);
  shape_rows_.resize(shape_start_.back());
  for (std::uint32_t row = 0; row < size(); ++row)
    if (metrics_.has(order_[row])) shape_rows_[next[metrics_.shape_of(order_[row])]++] = row;
}

std::vector<CampaignTable::Run> CampaignTable::runs(std::uint32_t metric) const {
  const auto places = metrics_.places(metric);
  std::vector<Run> out;
  for (std::uint32_t first = 0; first < places.size();) {
    const std::uint32_t shape = places[first].shape;
    std::uint32_t end = first;
    while (end < places.size() && places[end].shape == shape) ++end;
    for (std::uint32_t i = shape_start_[shape]; i < shape_start_[shape + 1]; ++i)
      out.push_back({shape_rows_[i], first, end - first});
    first = end;
  }
  std::sort(out.begin(), out.end(), [](const Run& a, const Run& b) { return a.row < b.row; });
  return out;
}

std::vector<std::string> CampaignTable::orphans() const {
  std::vector<std::string> out;
  for (std::uint32_t number = 0; number < records_.size(); ++number)
    if (!records_[number].recorded && metrics_.has(number)) out.emplace_back(ids_[number]);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return id_less(a, b); });
  return out;
}

}  // namespace assay::formats
