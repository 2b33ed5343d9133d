// A whole campaign in little memory (about 400 bytes an experiment with 30 numbers): what columns, the
// completeness report and the checks are made from. seal and verify feed it the same items and so derive the
// same things.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/campaign.hpp"
#include "formats/metric_store.hpp"
#include "formats/string_pool.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

/// What a reviewer looks for in an experiment's record (docs/formats/campaign.md, "completeness.json").
enum class Evidence : std::uint8_t {
  program,
  motivation,
  analysis,
  seed,
  dataset_hash,
  environment,
  metrics,
  curve,
  checkpoint,
  transcript,
  parents,
  score,
  created
};
inline constexpr std::array<const char*, 13> kEvidenceNames = {
    "program", "motivation", "analysis",   "seed",    "dataset_hash", "environment", "metrics",
    "curve",   "checkpoint", "transcript", "parents", "score",        "created"};

class CampaignTable {
 public:
  /// `exists` says whether the campaign has an item of that name: a role that points nowhere is no evidence.
  /// Without it every role counts.
  explicit CampaignTable(std::function<bool(std::string_view)> exists = {});

  // ---- filling: in any order, from one thread, then finish() once

  /// Notes one item's name. Every item of the campaign goes through here, whatever it is, once.
  void add_name(std::string_view item);
  /// True for the items whose content add_content() reads: campaign.json, claims.json, baselines.json,
  /// steps.jsonl, experiments/ID/experiment.json and experiments/ID/metrics.csv.
  static bool wants(std::string_view item);
  /// Reads one of those items, and does nothing for others. Errors name item, line and field; what the item
  /// held until then may have been taken in.
  Status add_content(std::string_view item, std::string_view content);
  /// Whole lines of steps.jsonl; call after call gives the file. For those too large to be held at once.
  Status add_steps(std::string_view lines);
  /// Puts the experiments in the order of the columns.
  void finish();

  // ---- the campaign

  const CampaignHead& head() const { return head_; }
  const std::vector<Claim>& claims() const { return claims_; }
  const std::vector<Baseline>& baselines() const { return baselines_; }
  std::uint64_t steps() const { return steps_; }                  ///< lines of steps.jsonl
  bool has_environment() const { return campaign_environment_; }  ///< environment.json
  bool has_knowledge() const { return knowledge_; }               ///< knowledge.jsonl

  // ---- experiments, by row (after finish())

  std::uint32_t size() const { return static_cast<std::uint32_t>(order_.size()); }
  std::optional<std::uint32_t> find(std::string_view id) const;  ///< row
  std::string_view id(std::uint32_t row) const { return ids_[order_[row]]; }
  std::optional<std::string_view> name(std::uint32_t row) const { return text(row, &Record::name); }
  std::optional<std::string_view> label(std::uint32_t row) const { return text(row, &Record::label); }
  std::optional<std::string_view> status(std::uint32_t row) const { return text(row, &Record::status); }
  std::optional<std::string_view> created(std::uint32_t row) const { return text(row, &Record::created); }
  /// "parameters" as it stands in the record: a string bare, anything else as JSON.
  std::optional<std::string_view> parameters(std::uint32_t row) const {
    return text(row, &Record::parameters);
  }
  std::optional<double> score(std::uint32_t row) const;
  std::optional<std::int64_t> index(std::uint32_t row) const;
  bool evicted(std::uint32_t row) const { return record(row).evicted; }
  bool has(std::uint32_t row, Evidence what) const;
  bool has_run(std::uint32_t row) const {
    return record(row).recipe && record(row).trace;
  }  ///< recipe.json, trace.jsonl
  std::uint32_t steps_of(std::uint32_t row) const { return record(row).steps; }

  bool parents_known(std::uint32_t row) const { return record(row).parents_known; }
  /// The parents as numbers for parent_id() and parent_row(), in the campaign's order.
  std::span<const std::uint32_t> parents(std::uint32_t row) const;
  std::string_view parent_id(std::uint32_t parent) const { return ids_[parent]; }
  std::optional<std::uint32_t> parent_row(std::uint32_t parent) const;  ///< nothing: no such record

  const MetricStore& metrics() const { return metrics_; }
  MetricStore::Lines lines(std::uint32_t row) const { return metrics_.of(order_[row]); }
  /// One experiment's values of one metric: places [first, first + count) of metrics().places(metric).
  struct Run {
    std::uint32_t row = 0, first = 0, count = 0;
  };
  std::vector<Run> runs(std::uint32_t metric) const;  ///< rows ascending
  /// Calls visit(row, step or -1, value, decimals) for each value of `metric`, in the order of the columns.
  template <typename Visit>
  void for_each_value(std::uint32_t metric, const Visit& visit) const {
    const auto places = metrics_.places(metric);
    for (const Run& run : runs(metric)) {
      const MetricStore::Lines all = lines(run.row);
      for (std::uint32_t i = run.first; i < run.first + run.count; ++i) {
        const std::uint32_t line = places[i].line;
        visit(run.row, all.keys[line].step, all.values[line], all.decimals[line]);
      }
    }
  }

  /// Ids of folders that have a metrics.csv and no experiment.json.
  std::vector<std::string> orphans() const;
  /// Roles that point at items which are not there: up to 1,000 texts "ID: role -> item", and how many in
  /// all.
  const std::vector<std::string>& dangling_roles() const { return dangling_; }
  std::uint64_t dangling_count() const { return dangling_count_; }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Record {
    std::uint32_t name = kNone, label = kNone, status = kNone, created = kNone, parameters = kNone;
    std::uint32_t parents = 0, parent_count = 0;  // in parents_
    std::uint32_t steps = 0;
    std::int64_t index = -1;
    double score = 0;
    std::uint16_t evidence = 0;  // one bit an Evidence
    bool recorded = false, parents_known = false, has_score = false, evicted = false;
    bool recipe = false, trace = false;
  };

  const Record& record(std::uint32_t row) const { return records_[order_[row]]; }
  std::optional<std::string_view> text(std::uint32_t row, std::uint32_t Record::*field) const;
  std::uint32_t slot(std::string_view id);
  void note(std::uint32_t slot, Evidence what);
  Status add_record(std::string_view folder_id, std::string_view content);
  void note_files(std::uint32_t slot, const Experiment& experiment);
  Status add_metrics(std::string_view id, std::string_view csv);
  void add_step(const Step& step);
  void index_shapes();
  std::uint32_t intern(const std::optional<std::string>& value);

  std::function<bool(std::string_view)> exists_;
  CampaignHead head_;
  std::vector<Claim> claims_;
  std::vector<Baseline> baselines_;
  std::uint64_t steps_ = 0, step_lines_ = 0;
  bool campaign_environment_ = false, knowledge_ = false;
  StringPool ids_;               // a slot an id: recorded, or only mentioned as a parent
  std::vector<Record> records_;  // by slot
  StringPool texts_;
  std::vector<std::uint32_t> parents_;                   // slots
  MetricStore metrics_;                                  // by slot
  std::vector<std::uint32_t> order_;                     // row -> slot
  std::vector<std::uint32_t> row_;                       // slot -> row, kNone if not recorded
  std::vector<std::uint32_t> shape_rows_, shape_start_;  // rows of each shape, ascending
  std::vector<std::string> dangling_;
  std::uint64_t dangling_count_ = 0;
};

}  // namespace assay::formats
