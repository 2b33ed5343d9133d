// The numbers of all experiments, 9 bytes each. Experiments of one campaign mostly have the same metrics at
// the same steps, so that list of (metric, step), a *shape*, is kept once and an experiment holds only its
// values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/string_pool.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

struct MetricKey {
  std::uint32_t metric = 0;  ///< number in MetricStore::names()
  std::int64_t step = -1;    ///< -1: the line has none
  bool operator==(const MetricKey&) const = default;
};

class MetricStore {
 public:
  /// How a value was printed when its digits cannot be told from it: exponent form, nan, inf, or over 254
  /// decimals.
  static constexpr std::uint8_t kNoDecimals = 255;

  /// Keeps the metrics.csv of experiment number `experiment` (any order, each at most once). Not thread-safe.
  Status add(std::uint32_t experiment, std::string_view csv, const std::string& where);

  /// One experiment's lines in the order of its file; three spans of one length.
  struct Lines {
    std::span<const MetricKey> keys;
    std::span<const double> values;
    std::span<const std::uint8_t> decimals;  ///< digits after the point, or kNoDecimals
    std::size_t size() const { return keys.size(); }
  };
  Lines of(std::uint32_t experiment) const;  ///< empty where there is no metrics.csv
  bool has(std::uint32_t experiment) const {
    return experiment < shape_.size() && shape_[experiment] != kNone;
  }

  const StringPool& names() const { return names_; }
  bool has_steps(std::uint32_t metric) const { return with_steps_[metric]; }
  std::size_t size() const { return values_.size(); }

  /// Where a metric stands: line `line` of every experiment of shape `shape`.
  struct Place {
    std::uint32_t shape = 0, line = 0;
  };
  /// Makes places() from what was added until now.
  void index();
  /// By shape, then by line; so a walk over one metric touches nothing else.
  std::span<const Place> places(std::uint32_t metric) const;
  std::uint32_t shapes() const { return static_cast<std::uint32_t>(shape_start_.size()); }
  std::uint32_t shape_of(std::uint32_t experiment) const { return shape_[experiment]; }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  std::span<const MetricKey> shape_keys(std::uint32_t shape) const;
  std::uint32_t intern_shape(const std::vector<MetricKey>& keys);

  StringPool names_;
  std::vector<bool> with_steps_;
  std::vector<MetricKey> keys_;             // of all shapes
  std::vector<std::uint64_t> shape_start_;  // in keys_
  std::unordered_multimap<std::size_t, std::uint32_t> shape_by_hash_;
  std::vector<std::uint32_t> shape_;        // of each experiment, or kNone
  std::vector<std::uint64_t> value_start_;  // of each experiment
  std::vector<double> values_;
  std::vector<std::uint8_t> decimals_;
  std::vector<Place> places_;               // by metric
  std::vector<std::uint64_t> place_start_;  // of each metric, and the end
  std::vector<MetricKey> scratch_;
};

}  // namespace assay::formats
