// The authors' claims against the sealed numbers.
#include <algorithm>
#include <cmath>

#include "toolkit/base/text.hpp"
#include "verify/checks/comparison.hpp"
#include "verify/checks/functions.hpp"
#include "verify/statistics.hpp"

namespace assay::verify {

namespace {

using formats::Claim;

constexpr double kSurprising = 0.05;
constexpr std::string_view kAbove = "above:";

// A claim from outside the campaign may speak of more than was sealed.
Severity severity_of(const Claim& claim) { return claim.external ? Severity::warning : Severity::error; }
const char* origin_of(const Claim& claim) {
  return claim.external ? " (a claim from outside the campaign's files)" : "";
}

double scale_of(const Claim& claim) {
  const std::string_view unit = claim.raw["unit"].string_or("");
  return unit == "percent" || unit == "points" ? 0.01 : 1;
}

bool lower_is_better(const CheckInput& input, const std::string& metric) {
  const MetricRule* rule = input.rules.metric(metric);
  return rule && rule->description.direction == "lower";
}

// The sealed numbers of what a claim is about; "score" is the experiment's own.
MetricColumn claimed_column(const CheckInput& input, const std::string& metric) {
  const CampaignTable& table = input.view.table();
  if (metric != "score") return metric_column(table, metric);
  MetricColumn out;
  out.decimals = 15;
  for (std::uint32_t row = 0; row < table.size(); ++row)
    if (const auto score = table.score(row)) {
      out.rows.push_back(row);
      out.values.push_back(*score);
    }
  return out;
}

// Rows that a claim names; the best on its metric where it names none.
std::vector<std::uint32_t> rows_of(const CheckInput& input, const Claim& claim, const MetricColumn& column) {
  std::vector<std::uint32_t> rows;
  for (const std::string& id : claim.experiments)
    if (const auto row = input.view.table().find(id)) rows.push_back(*row);
  if (!claim.experiments.empty() || column.rows.empty()) return rows;
  const double sign = lower_is_better(input, claim.metric) ? -1 : 1;
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < column.rows.size(); ++i)
    if (!std::isnan(column.values[i]) && (!best || sign * column.values[i] > sign * column.values[*best]))
      best = i;
  if (best) rows.push_back(column.rows[*best]);
  return rows;
}

// How many experiments lie above a baseline: on the claim's metric where the baseline has it, else on the
// mean of the shared tasks. Nothing if that cannot be told.
struct AboveCount {
  std::uint64_t above = 0, with_numbers = 0;
  std::string on;
};
std::optional<AboveCount> count_above(const CheckInput& input, const Claim& claim,
                                      const BaselineRule& baseline) {
  AboveCount out;
  const auto limit = baseline.baseline.metrics.find(claim.metric);
  if (limit != baseline.baseline.metrics.end()) {
    const MetricColumn column = metric_column(input.view.table(), claim.metric);
    const double sign = lower_is_better(input, claim.metric) ? -1 : 1;
    for (const double value : column.values) out.above += sign * value > sign * limit->second;
    out.with_numbers = column.values.size();
    out.on = claim.metric;
  } else {
    const Comparer comparer(input, baseline);
    for (const Comparison& one : comparer.compare_all()) {
      ++out.with_numbers;
      out.above += one.gain() > 0;
    }
    out.on = "the mean of " + comparer.task_names();
  }
  if (out.with_numbers == 0) return std::nullopt;
  return out;
}

// A count over what is not all there is none.
bool is_countable(const Claim& claim, const UnreadExperiments& unread) {
  return claim.of == "experiments" ? !unread.records() : !unread.any();
}

void recount(const CheckInput& input, const Claim& claim, FindingSink& sink) {
  const std::string claimed = shown(*claim.value);
  const std::uint64_t n = input.view.table().size();
  if (claim.of == "experiments") {
    if (static_cast<double>(n) == *claim.value) return;
    sink.add(severity_of(claim), claim.id,
             claimed + " experiments, but " + with_separators(n) + " are on record" + origin_of(claim),
             claimed, std::to_string(n));
    return;
  }
  const BaselineRule* baseline =
      claim.of.starts_with(kAbove) ? input.rules.baseline(claim.of.substr(kAbove.size())) : nullptr;
  const auto count = baseline ? count_above(input, claim, *baseline) : std::nullopt;
  if (!count || static_cast<double>(count->above) == *claim.value) return;
  sink.add(severity_of(claim), claim.id,
           claimed + " experiments above " + title_of(*baseline) + ", but the record has " +
               with_separators(count->above) + " (of " + with_separators(count->with_numbers) +
               " with numbers, on " + count->on + ")" + origin_of(claim),
           claimed, std::to_string(count->above));
}

// The gain that the record gives for one experiment, and how far rounding can move it.
struct SealedGain {
  double gain = 0, slack = 0;
  std::string on;
};
std::optional<SealedGain> sealed_gain(const CheckInput& input, const Claim& claim,
                                      const BaselineRule& baseline, const MetricColumn& column,
                                      std::uint32_t row) {
  const auto own = baseline.baseline.metrics.find(claim.metric);
  if (own != baseline.baseline.metrics.end()) {
    const auto value = column.of(row);
    if (!value) return std::nullopt;
    const double sign = lower_is_better(input, claim.metric) ? -1 : 1;
    return SealedGain{sign * (*value - own->second), column.half_unit() + half_unit_of(own->second),
                      claim.metric};
  }
  const bool is_average = std::any_of(input.rules.averages.begin(), input.rules.averages.end(),
                                      [&](const AverageRule& rule) { return rule.metric == claim.metric; });
  const Comparer comparer(input, baseline);
  const auto comparison = is_average ? comparer.compare(row) : std::nullopt;
  if (!comparison) return std::nullopt;
  return SealedGain{comparison->gain(), 1e-4,
                    "the " + std::to_string(comparer.tasks()) + " tasks that both have"};
}

void compare_value(const CheckInput& input, const Claim& claim, const MetricColumn& column, std::uint32_t row,
                   FindingSink& sink) {
  const auto sealed = column.of(row);
  if (!claim.value || !sealed) return;
  const double claimed = *claim.value * scale_of(claim);
  if (std::abs(*sealed - claimed) <=
      half_unit_of(*claim.value) * scale_of(claim) + column.half_unit() + 1e-12)
    return;
  const std::string id = id_of(input.view.table(), row);
  sink.add(severity_of(claim), claim.id,
           claim.metric + " of " + id + " is " + shown(claimed) + ", but " + shown(*sealed) + " is sealed" +
               origin_of(claim),
           shown(*sealed), shown(claimed));
}

void compare_gain(const CheckInput& input, const Claim& claim, const MetricColumn& column, std::uint32_t row,
                  FindingSink& sink) {
  const BaselineRule* baseline = input.rules.baseline(claim.baseline);
  if (!claim.gain || !baseline) return;
  const auto sealed = sealed_gain(input, claim, *baseline, column, row);
  if (!sealed) return;
  const double claimed = *claim.gain * scale_of(claim);
  if (std::abs(sealed->gain - claimed) <= half_unit_of(*claim.gain) * scale_of(claim) + sealed->slack + 1e-12)
    return;
  const std::string id = id_of(input.view.table(), row);
  sink.add(severity_of(claim), claim.id,
           " gains " + shown(claimed) + " over " + title_of(*baseline) + ", but the record gives " +
               shown(sealed->gain) + " on " + sealed->on + origin_of(claim),
           shown(sealed->gain), shown(claimed));
}

std::string untestable(const CheckInput& input, const Claim& claim, const UnreadExperiments& unread) {
  if (claim.kind == "text") return "it is words alone";
  for (const std::string& id : claim.experiments)
    if (!input.view.table().find(id))
      return unread.has_record(id) ? "the record of experiment " + id + " cannot be read here"
                                   : "experiment " + id + " is not on record";
  if (claim.kind == "count" && !is_countable(claim, unread))
    return "records or metrics of experiments cannot be read here";
  if (claim.kind == "count" && claim.of == "experiments") return "";
  const bool above = claim.kind == "count" && claim.of.starts_with(kAbove);
  if (claim.kind == "count" && !above) return "\"" + claim.of + "\" is nothing that can be counted here";
  const std::string id = above ? claim.of.substr(kAbove.size()) : claim.baseline;
  const BaselineRule* baseline = input.rules.baseline(id);
  if ((above || claim.kind == "gain") && !baseline)
    return id.empty() ? "it names no baseline" : "baseline " + id + " is not described";
  if (above)
    return count_above(input, claim, *baseline)
               ? ""
               : "no experiment has numbers for what baseline " + id + " was measured on";
  if (claim.metric.empty()) return "it names no metric";
  const MetricColumn column = claimed_column(input, claim.metric);
  if (column.rows.empty()) return "no experiment has the metric \"" + claim.metric + "\"";
  for (const std::uint32_t row : rows_of(input, claim, column)) {
    if (!column.of(row)) return "experiment " + id_of(input.view.table(), row) + " has no " + claim.metric;
    if (claim.kind == "gain" && !sealed_gain(input, claim, *baseline, column, row))
      return "baseline " + id + " has no " + claim.metric + " and no tasks to take its mean from";
  }
  return "";
}

}  // namespace

void check_claimed_counts(const CheckInput& input, FindingSink& sink) {
  const UnreadExperiments unread(input.view);
  for (const Claim& claim : input.view.table().claims())
    if (claim.kind == "count" && claim.value && is_countable(claim, unread)) recount(input, claim, sink);
}

void check_claimed_values(const CheckInput& input, FindingSink& sink) {
  for (const Claim& claim : input.view.table().claims()) {
    if (claim.kind != "value" && claim.kind != "gain") continue;
    const MetricColumn column = claimed_column(input, claim.metric);
    const auto rows = rows_of(input, claim, column);
    if (rows.size() != 1) continue;  // one number cannot be that of several experiments
    compare_value(input, claim, column, rows[0], sink);
    compare_gain(input, claim, column, rows[0], sink);
  }
}

void check_claimed_gains(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  for (const Claim& claim : table.claims()) {
    const BaselineRule* baseline = claim.kind == "gain" ? input.rules.baseline(claim.baseline) : nullptr;
    if (!baseline) continue;
    const Comparer comparer(input, *baseline);
    for (const std::uint32_t row : rows_of(input, claim, claimed_column(input, claim.metric))) {
      const auto comparison = comparer.compare(row);
      if (!comparison) continue;
      const double corrected = std::min(1.0, comparison->p_value() * table.size());
      const bool stands = corrected <= kSurprising;
      sink.add(stands ? Severity::note : Severity::warning, claim.id,
               id_of(table, row) + " over " + title_of(*baseline) + " on the mean of " +
                   counted(comparer.tasks(), "task") + ": " + shown(comparison->gain()) +
                   " with a binomial standard error of " + shown(comparison->standard_error) + " (" +
                   shown(comparison->z()) + " of them); as the best of " +
                   with_separators(std::uint64_t{table.size()}) + " that were run, p = " + shown(corrected) +
                   (stands ? "" : ": not distinguishable from chance"),
               "", shown(comparison->gain()), comparison->to_json());
    }
  }
}

void check_claims_testable(const CheckInput& input, FindingSink& sink) {
  const UnreadExperiments unread(input.view);
  for (const Claim& claim : input.view.table().claims()) {
    const std::string why = untestable(input, claim, unread);
    if (!why.empty()) sink.add(Severity::warning, claim.id, "cannot be tested with what is sealed: " + why);
  }
}

}  // namespace assay::verify
