// What several checks need: one number an experiment, texts of numbers, lists of ids.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "verify/checks.hpp"

namespace assay::verify {

using formats::CampaignTable;
using formats::Severity;

/// At most six significant digits: "0.411571", "3.4".
std::string shown(double value);
/// `rows` (ascending) as ids, at most about 200 bytes.
std::string ids_of(const CampaignTable& table, const std::vector<std::uint32_t>& rows);
std::string id_of(const CampaignTable& table, std::uint32_t row);

/// Experiments of which this copy has a record or metrics without their content: nothing follows from what is
/// not there.
class UnreadExperiments {
 public:
  explicit UnreadExperiments(const CampaignView& view);
  bool records() const { return !records_.empty(); }  ///< some have an experiment.json that cannot be read
  bool any() const { return any_; }                   ///< that, or a metrics.csv
  bool has_record(std::string_view id) const { return records_.find(id) != records_.end(); }

 private:
  std::set<std::string, std::less<>> records_;
  bool any_ = false;
};

/// One value an experiment: of a score its value, of a curve its last.
struct MetricColumn {
  std::vector<std::uint32_t> rows;  ///< ascending
  std::vector<double> values;       ///< beside rows; NaN where the record says nan
  int decimals = 0;                 ///< the most that any of the metric's values was printed with

  std::optional<double> of(std::uint32_t row) const;
  bool all_nan() const;
  /// Half a unit of the last printed digit. Trailing zeros are often cut off, so the column's most digits
  /// count.
  double half_unit() const;
};
/// Empty where no experiment has the metric.
MetricColumn metric_column(const CampaignTable& table, std::string_view metric);

/// Half a unit in the last digit of the shortest text of a number: what its author can have rounded away.
double half_unit_of(double value);

}  // namespace assay::verify
