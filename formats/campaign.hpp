// The campaign in memory: what docs/formats/campaign.md says, parsed. Importers make it, the checks read it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

/// experiments/ID/experiment.json. Absent fields are absent: nothing is invented.
struct Experiment {
  std::string id;
  std::optional<std::string> name, label, status, created;
  std::optional<std::int64_t> index;
  std::optional<std::vector<std::string>> parents;  ///< nothing: unknown; empty: none
  std::optional<double> score;
  Json seeds, dataset, parameters;           ///< null where absent
  std::map<std::string, std::string> files;  ///< role -> item name
  bool evicted = false;
  Json extra;  ///< the other members as an object: "island", "visits", "source", "extra" and unknown ones;
               ///< null if none

  static Result<Experiment> parse(std::string_view text);  ///< reader and
  Json to_json() const;                                    ///< writer of one format
};

/// One line of metrics.csv.
struct MetricValue {
  std::string metric;
  std::optional<std::int64_t> step;
  double value = 0;
  std::string text;  ///< as the campaign wrote it
};

/// The same, pointing into the CSV.
struct MetricLine {
  std::string_view metric;
  std::optional<std::int64_t> step;
  double value = 0;
  std::string_view text;
};

/// Calls `sink` for each line of metrics.csv, in order, without allocating. `where` names the item, for
/// errors.
Status for_each_metric(std::string_view csv, const std::string& where,
                       const std::function<void(const MetricLine&)>& sink);
/// metrics.csv of one experiment, copied.
Result<std::vector<MetricValue>> parse_metrics(std::string_view csv, const std::string& where);
std::string write_metrics(const std::vector<MetricValue>& values);

/// campaign.json's description of one metric.
struct MetricDescription {
  std::string name;
  std::string kind;                     ///< "curve" or "score"
  std::string direction;                ///< "lower", "higher" or empty
  std::optional<double> low, high;      ///< range
  std::optional<std::int64_t> samples;  ///< size of the test set
  std::string group, unit;
};

struct CampaignHead {
  std::string title, system, paper, licence, doi, lineage;
  Json authors;  ///< array of {name, orcid}
  std::vector<MetricDescription> metrics;
  Json raw;  ///< the whole document

  static Result<CampaignHead> parse(std::string_view text);
};

/// One line of steps.jsonl.
struct Step {
  std::string id;
  std::optional<std::string> experiment, agent, call, time, model, status, transcript;
  std::optional<std::int64_t> order, attempt;
  std::vector<std::string> writes, reads_parents, reads_knowledge;
  Json raw;

  static Result<Step> parse(std::string_view line);
};

struct Claim {
  std::string id, text, kind, metric, baseline, of;
  std::vector<std::string> experiments;
  std::optional<double> value, gain;
  bool external = false;
  Json source, raw;
};
Result<std::vector<Claim>> parse_claims(std::string_view text);

struct Baseline {
  std::string id, name;
  std::map<std::string, double> metrics;
  bool external = false;
  Json source;
};
Result<std::vector<Baseline>> parse_baselines(std::string_view text);

/// The nearest double of a decimal text ("0.4903", "-1e-05"), or of nan, inf, infinity in any case; nothing
/// for all else.
std::optional<double> parse_decimal(std::string_view text);
/// True for a legal metric name: 1 to 128 bytes of UTF-8 without control characters , " and /, not "." or
/// "..".
bool is_metric_name(std::string_view name);
/// True for a legal experiment id: [A-Za-z0-9._-]{1,128}, not "." or "..".
bool is_experiment_id(std::string_view id);
/// "experiments/ID/experiment.json" -> ID; nothing for any other name.
std::optional<std::string_view> experiment_record_id(std::string_view item_name);
/// "experiments/ID/..." -> ID.
std::optional<std::string_view> experiment_of_item(std::string_view item_name);
/// Orders ids as columns do: digits as numbers first, then bytewise.
bool id_less(std::string_view a, std::string_view b);

}  // namespace assay::formats
