#include "verify/checks/helpers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "formats/id_list.hpp"

namespace assay::verify {

std::string shown(double value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::general, 6).ptr};
}

std::string ids_of(const CampaignTable& table, const std::vector<std::uint32_t>& rows) {
  formats::IdList list(table, 200);
  for (const std::uint32_t row : rows) list.add(row);
  return list.finish();
}

UnreadExperiments::UnreadExperiments(const CampaignView& view) {
  for (const std::string& name : view.unread()) {
    const auto id = formats::experiment_of_item(name);
    if (!id) continue;
    any_ = true;
    if (name.ends_with("/experiment.json")) records_.emplace(*id);
  }
}

std::string id_of(const CampaignTable& table, std::uint32_t row) { return std::string(table.id(row)); }

std::optional<double> MetricColumn::of(std::uint32_t row) const {
  const auto at = std::lower_bound(rows.begin(), rows.end(), row);
  if (at == rows.end() || *at != row) return std::nullopt;
  return values[static_cast<std::size_t>(at - rows.begin())];
}

bool MetricColumn::all_nan() const {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
}

double MetricColumn::half_unit() const { return 0.5 * std::pow(10.0, -decimals); }

MetricColumn metric_column(const CampaignTable& table, std::string_view metric) {
  MetricColumn out;
  const auto number = table.metrics().names().find(metric);
  if (!number) return out;
  table.for_each_value(*number, [&](std::uint32_t row, std::int64_t, double value, std::uint8_t decimals) {
    if (decimals != formats::MetricStore::kNoDecimals) out.decimals = std::max<int>(out.decimals, decimals);
    if (!out.rows.empty() && out.rows.back() == row) {
      out.values.back() = value;
      return;
    }
    out.rows.push_back(row);
    out.values.push_back(value);
  });
  return out;
}

double half_unit_of(double value) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const auto point = text.find('.');
  return 0.5 * std::pow(10.0, point == text.npos ? 0.0 : -static_cast<double>(text.size() - point - 1));
}

}  // namespace assay::verify
