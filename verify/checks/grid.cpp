// A fraction of n questions is k/n. Printed with enough digits, most numbers are no such fraction.
#include <cmath>

#include "toolkit/base/text.hpp"
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"

namespace assay::verify {

namespace {

const char* whose(const MetricRule& rule) { return rule.authors ? " (by the author's own rule)" : ""; }

// True where some k/n rounds to `value` at the column's digits. A slack of a thousandth of the last digit
// forgives a value that was rounded from a tie in binary.
bool on_grid(double value, double samples, double half_unit) {
  const double allowed = half_unit * 1.002, k = std::round(value * samples);
  return std::abs(k / samples - value) <= allowed;
}

// Share of the printable values that some k/n rounds to; 1: the grid excludes nothing.
double grid_share(double samples, double half_unit) { return std::min(1.0, (samples + 1) * 2 * half_unit); }

struct Judged {
  const MetricRule* rule = nullptr;
  MetricColumn column;
};

// Score metrics that are fractions of a known sample count.
std::vector<Judged> sampled_metrics(const CheckInput& input) {
  std::vector<Judged> out;
  for (const MetricRule& rule : input.rules.metrics) {
    const auto& description = rule.description;
    if (!description.samples || *description.samples < 1 || description.kind != "score" ||
        description.high != 1)
      continue;
    MetricColumn column = metric_column(input.view.table(), description.name);
    if (!column.rows.empty()) out.push_back({&rule, std::move(column)});
  }
  return out;
}

}  // namespace

void check_ranges(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  for (const MetricRule& rule : input.rules.metrics) {
    const auto& low = rule.description.low;
    const auto& high = rule.description.high;
    const auto metric = table.metrics().names().find(rule.description.name);
    if (!metric || (!low && !high)) continue;
    table.for_each_value(*metric, [&](std::uint32_t row, std::int64_t step, double value, std::uint8_t) {
      if (std::isnan(value) || ((!low || value >= *low) && (!high || value <= *high))) return;
      const std::string range = (low ? shown(*low) : "any") + " to " + (high ? shown(*high) : "any");
      sink.add(Severity::error, id_of(table, row),
               rule.description.name + (step < 0 ? "" : " at step " + std::to_string(step)) + " is " +
                   shown(value) + ", outside " + range + whose(rule),
               range, shown(value));
    });
  }
}

void check_grid(const CheckInput& input, FindingSink& sink) {
  for (const auto& [rule, column] : sampled_metrics(input)) {
    const auto samples = static_cast<double>(*rule->description.samples);
    for (std::size_t i = 0; i < column.rows.size(); ++i) {
      const double value = column.values[i];
      if (!std::isfinite(value) || value < 0 || value > 1 || on_grid(value, samples, column.half_unit()))
        continue;
      const std::string id = id_of(input.view.table(), column.rows[i]);
      const double below = std::floor(value * samples);
      sink.add(Severity::error, id,
               rule->description.name + " is " + shown(value) + ", which no number of right answers to " +
                   with_separators(*rule->description.samples) + " questions gives" + whose(*rule),
               shown(below / samples) + " or " + shown((below + 1) / samples), shown(value));
    }
  }
}

void check_grid_power(const CheckInput& input, FindingSink& sink) {
  std::vector<std::string> strong, none;
  for (const auto& [rule, column] : sampled_metrics(input)) {
    const double share = grid_share(static_cast<double>(*rule->description.samples), column.half_unit());
    if (share >= 0.95)
      none.push_back(rule->description.name);
    else
      strong.push_back(rule->description.name + " " + shown(std::round(100 * (1 - share))) + " %");
  }
  if (strong.empty() && none.empty()) return;
  std::string text = "printed digits and sample counts exclude this share of made-up values: " +
                     (strong.empty() ? "none" : join(strong, ", "));
  if (!none.empty()) text += "; nothing for " + join(none, ", ");
  sink.add(Severity::note, "", text);
}

}  // namespace assay::verify
