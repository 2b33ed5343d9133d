// What the figures have in common.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/campaign_table.hpp"

namespace assay::verify {

/// Finite, and small enough that differences of two such values are finite: others cannot be drawn.
bool drawable(double value);
/// The value below which a part `p` of the sorted values lies, with linear interpolation (Hyndman and Fan,
/// The American Statistician 50, 1996, definition 7). NaN for no values.
double quantile(const std::vector<double>& sorted, double p);
/// "1735 HybridGateFlow": id and label or name, shortened.
std::string experiment_label(const formats::CampaignTable& table, std::uint32_t row, std::size_t limit = 32);
/// [a-z0-9-] of any text, for ids of elements; `number` keeps two of them apart.
std::string element_id(std::string_view prefix, std::string_view name, std::size_t number);
/// "train_loss" -> "train loss"
std::string words_of(std::string_view name);
const formats::MetricDescription* describe_metric(const formats::CampaignTable& table, std::string_view name);
/// `low` and `high` moved apart by `part` of their distance; where they are equal, by 1.
void widen(double& low, double& high, double part);

inline constexpr double kWidth = 960;  ///< of every figure, in pixels of its own

}  // namespace assay::verify
