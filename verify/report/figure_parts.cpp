#include "verify/report/figure_parts.hpp"

#include <cmath>

#include "toolkit/base/text.hpp"

namespace assay::verify {

bool drawable(double value) { return std::fabs(value) < 1e100; }

double quantile(const std::vector<double>& sorted, double p) {
  if (sorted.empty()) return std::nan("");
  const double at = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const double part = at - static_cast<double>(below);
  return below + 1 < sorted.size() ? sorted[below] + part * (sorted[below + 1] - sorted[below])
                                   : sorted[below];
}

std::string experiment_label(const formats::CampaignTable& table, std::uint32_t row, std::size_t limit) {
  std::string text(table.id(row));
  const auto name = table.label(row) ? table.label(row) : table.name(row);
  if (name) text += " " + std::string(*name);
  return shorten(text, limit);
}

std::string element_id(std::string_view prefix, std::string_view name, std::size_t number) {
  std::string id(prefix);
  id += '-';
  for (const char c : ascii_lower(name.substr(0, 40)))
    id += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
  return id + "-" + std::to_string(number);
}

std::string words_of(std::string_view name) {
  std::string words(name);
  for (char& c : words)
    if (c == '_') c = ' ';
  return words;
}

const formats::MetricDescription* describe_metric(const formats::CampaignTable& table,
                                                  std::string_view name) {
  for (const auto& description : table.head().metrics)
    if (description.name == name) return &description;
  return nullptr;
}

void widen(double& low, double& high, double part) {
  const double by = high > low ? (high - low) * part : 1;
  low -= by;
  high += by;
}

}  // namespace assay::verify
