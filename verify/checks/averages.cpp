// Averages, recomputed to the precision with which they and their parts were printed.
#include <cmath>

#include "toolkit/base/text.hpp"
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"

namespace assay::verify {

namespace {

struct Part {
  std::string name;
  MetricColumn column;
};

// One average of the campaign with its parts. A part that is nan in every experiment was not averaged by
// anyone.
struct Average {
  const AverageRule* rule = nullptr;
  MetricColumn sealed;
  std::vector<Part> parts;
  std::vector<std::string> nan_parts;
};

std::vector<Average> averages_of(const CheckInput& input) {
  std::vector<Average> out;
  for (const AverageRule& rule : input.rules.averages) {
    Average average{&rule, metric_column(input.view.table(), rule.metric), {}, {}};
    if (average.sealed.rows.empty()) continue;
    for (const std::string& name : rule.of) {
      Part part{name, metric_column(input.view.table(), name)};
      if (part.column.rows.empty()) continue;
      if (part.column.all_nan())
        average.nan_parts.push_back(name);
      else
        average.parts.push_back(std::move(part));
    }
    if (!average.parts.empty()) out.push_back(std::move(average));
  }
  return out;
}

struct Mean {
  double value = 0, slack = 0;  // slack: what rounding of the parts can move it by
  std::size_t count = 0;
};

Mean mean_of(const Average& average, std::uint32_t row) {
  Mean mean;
  for (const Part& part : average.parts) {
    const auto value = part.column.of(row);
    if (!value || std::isnan(*value)) continue;
    mean.value += *value;
    mean.slack += part.column.half_unit();
    ++mean.count;
  }
  mean.value /= static_cast<double>(mean.count);
  mean.slack /= static_cast<double>(mean.count);
  return mean;
}

const char* whose(const Average& average) {
  return average.rule->authors ? " (by the author's own rule)" : "";
}

std::string names_of(const Average& average) {
  std::vector<std::string> names;
  for (const Part& part : average.parts) names.push_back(part.name);
  return join(names, ", ");
}

}  // namespace

void check_averages(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  for (const Average& average : averages_of(input)) {
    for (std::size_t i = 0; i < average.sealed.rows.size(); ++i) {
      const std::uint32_t row = average.sealed.rows[i];
      const double sealed = average.sealed.values[i];
      const Mean mean = mean_of(average, row);
      if (mean.count == 0 || std::isnan(sealed)) continue;
      const double allowed = average.sealed.half_unit() + mean.slack + 1e-12;
      if (std::abs(sealed - mean.value) <= allowed) continue;
      const std::string id = id_of(table, row);
      sink.add(Severity::error, id,
               average.rule->metric + " is " + shown(sealed) + ", but its " + std::to_string(mean.count) +
                   " columns give " + shown(mean.value) + " (rounding allows " + shown(allowed) + ")" +
                   whose(average),
               shown(mean.value), shown(sealed),
               Json::object({{"metric", average.rule->metric}, {"difference", sealed - mean.value}}));
    }
  }
}

void check_averaged_columns(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  for (const Average& average : averages_of(input)) {
    if (!average.nan_parts.empty())
      sink.add(Severity::note, average.rule->metric,
               average.rule->metric + " is the mean of " + std::to_string(average.parts.size()) +
                   " columns (" + names_of(average) +
                   "); nan in every experiment and left out: " + join(average.nan_parts, ", "),
               "", "", Json::object({{"columns", static_cast<unsigned long>(average.parts.size())}}));
    std::vector<std::uint32_t> partial;
    for (const std::uint32_t row : average.sealed.rows)
      if (mean_of(average, row).count < average.parts.size()) partial.push_back(row);
    if (!partial.empty())
      sink.add(Severity::warning, average.rule->metric,
               counted(partial.size(), "experiment") + " without some of the columns that " +
                   average.rule->metric +
                   " is the mean of: over other tasks, it does not compare: " + ids_of(table, partial));
  }
}

}  // namespace assay::verify
