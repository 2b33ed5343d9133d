#include "verify/checks/comparison.hpp"

#include <cmath>

#include "toolkit/base/text.hpp"
#include "verify/statistics.hpp"

namespace assay::verify {

namespace {

double squared_error(double p, double samples) {
  const double error = binomial_standard_error(p, samples);
  return error * error;
}

}  // namespace

double Comparison::p_value() const { return normal_upper_tail(z()); }

Json Comparison::to_json() const {
  Json list = Json::array();
  for (const TaskGain& task : tasks)
    list.push(Json::object({{"metric", task.metric},
                            {"value", task.value},
                            {"baseline", task.baseline},
                            {"gain", task.gain()},
                            {"standard_error", task.standard_error}}));
  return Json::object({{"mean", value},
                       {"baseline_mean", baseline},
                       {"gain", gain()},
                       {"standard_error", standard_error},
                       {"z", z()},
                       {"p_one_sided", p_value()},
                       {"tasks", std::move(list)}});
}

Comparer::Comparer(const CheckInput& input, const BaselineRule& baseline)
    : table_(input.view.table()), baseline_(baseline) {
  for (const auto& [metric, value] : baseline.baseline.metrics) {
    const MetricRule* rule = input.rules.metric(metric);
    if (!rule || rule->description.kind != "score" || !rule->description.samples ||
        *rule->description.samples < 1)
      continue;
    if (!(value >= 0 && value <= 1)) continue;
    MetricColumn column = metric_column(table_, metric);
    if (!column.rows.empty())
      columns_.push_back({metric, value, static_cast<double>(*rule->description.samples), std::move(column)});
  }
}

std::string Comparer::task_names() const {
  std::vector<std::string> names;
  for (const Task& task : columns_) names.push_back(task.metric);
  return join(names, ", ");
}

std::optional<Comparison> Comparer::compare(std::uint32_t row) const {
  Comparison out;
  out.row = row;
  double squares = 0;
  for (const Task& task : columns_) {
    const auto value = task.column.of(row);
    if (!value || !(*value >= 0 && *value <= 1)) return std::nullopt;
    const double variance = squared_error(*value, task.samples) + squared_error(task.baseline, task.samples);
    out.tasks.push_back({task.metric, *value, task.baseline, std::sqrt(variance)});
    out.value += *value;
    out.baseline += task.baseline;
    squares += variance;
  }
  if (out.tasks.empty() || squares == 0) return std::nullopt;
  const auto count = static_cast<double>(out.tasks.size());
  out.value /= count;
  out.baseline /= count;
  out.standard_error = std::sqrt(squares) / count;
  return out;
}

std::vector<Comparison> Comparer::compare_all() const {
  std::vector<Comparison> out;
  if (columns_.empty()) return out;
  for (const std::uint32_t row : columns_[0].column.rows)
    if (auto comparison = compare(row)) out.push_back(*std::move(comparison));
  return out;
}

std::string title_of(const BaselineRule& baseline) {
  const std::string& name = baseline.baseline.name.empty() ? baseline.baseline.id : baseline.baseline.name;
  return name + (baseline.authors ? " (the authors' own baseline)" : "");
}

}  // namespace assay::verify
