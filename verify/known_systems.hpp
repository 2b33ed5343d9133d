// What the checks know of a campaign's metrics: their ranges, directions and sample counts, which is the
// average of which, the formula of the score, published baselines. From a table of our own for known systems;
// what only the bundle says is used too, and shown as the author's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/campaign.hpp"

namespace assay::verify {

enum class Formula : std::uint8_t { none, asi_arch, asi_evolve };

struct KnownMetric {
  const char* name;
  const char* kind;       ///< "curve" or "score"
  const char* direction;  ///< "lower", "higher", or empty: neither is better
  std::optional<double> low, high;
  std::optional<std::int64_t> samples;  ///< questions in the test set
  const char* group;
};

struct KnownAverage {
  const char* metric;
  const char* group;  ///< the mean of this group's metrics, those that are nan everywhere left out
};

struct KnownBaselineValue {
  const char* metric;
  double value;
};
struct KnownBaseline {
  const char* id;
  const char* name;
  const char* document;
  const char* where;
  std::span<const KnownBaselineValue> values;
};

/// One row of the table.
struct KnownSystem {
  const char* id;  ///< campaign.json's "system"
  const char* name;
  const char* source;   ///< where the row's facts come from
  const char* lineage;  ///< "tree" or "graph"
  Formula formula;
  const char* loss;                  ///< the curve whose last value the formula takes; empty if none
  const char* average;               ///< the metric that the formula takes and that claims compare
  const char* judge;                 ///< the metric that would hold the judge's mark
  std::optional<double> vocabulary;  ///< tokens: an untrained model's loss is near ln(vocabulary)
  bool evicts;                       ///< forgets experiments that others name as parents
  std::span<const KnownMetric> metrics;
  std::span<const KnownAverage> averages;
  std::span<const KnownBaseline> baselines;
};
std::span<const KnownSystem> known_systems();

struct MetricRule {
  formats::MetricDescription description;
  bool authors = false;  ///< the bundle's own, with no row of ours behind it
};

struct AverageRule {
  std::string metric;
  std::vector<std::string> of;
  bool authors = false;
};

struct BaselineRule {
  formats::Baseline baseline;
  bool authors = false;
};

/// What holds for one campaign.
struct Rules {
  const KnownSystem* system = nullptr;
  std::string lineage;  ///< "tree", "graph" or empty: unknown
  std::vector<MetricRule> metrics;
  std::vector<AverageRule> averages;
  std::vector<BaselineRule> baselines;
  /// Where the bundle says something else than our table: ours is used. "arc_easy: samples 100, known 2376".
  std::vector<std::string> contradictions;

  const MetricRule* metric(std::string_view name) const;
  const BaselineRule* baseline(std::string_view id) const;
};
Rules rules_for(const formats::CampaignHead& head, const std::vector<formats::Baseline>& baselines);

}  // namespace assay::verify
