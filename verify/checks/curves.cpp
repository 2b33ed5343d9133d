#include <algorithm>
#include <cmath>
#include <map>

#include "toolkit/base/text.hpp"
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"
#include "verify/statistics.hpp"

namespace assay::verify {

namespace {

using formats::MetricStore;

constexpr std::size_t kPeers = 20;   // fewer give no bound that is worth the name
constexpr double kUnlikePeers = 15;  // robust standard deviations

std::vector<std::uint32_t> curve_metrics(const CampaignTable& table) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t metric = 0; metric < table.metrics().names().size(); ++metric)
    if (table.metrics().has_steps(metric)) out.push_back(metric);
  return out;
}

std::string name_of_metric(const CampaignTable& table, std::uint32_t metric) {
  return std::string(table.metrics().names()[metric]);
}

// One experiment's curve.
struct Curve {
  std::vector<std::int64_t> steps;
  std::vector<double> values;
};

Curve curve_of(const CampaignTable& table, std::uint32_t metric, const CampaignTable::Run& run) {
  Curve curve;
  const auto places = table.metrics().places(metric);
  const MetricStore::Lines lines = table.lines(run.row);
  for (std::uint32_t i = run.first; i < run.first + run.count; ++i) {
    curve.steps.push_back(lines.keys[places[i].line].step);
    curve.values.push_back(lines.values[places[i].line]);
  }
  return curve;
}

// The steps that most experiments have, found by shape: runs of one shape share `first`.
std::vector<std::int64_t> usual_steps(const CampaignTable& table, std::uint32_t metric,
                                      const std::vector<CampaignTable::Run>& runs) {
  std::map<std::uint32_t, std::size_t> by_shape;
  for (const auto& run : runs) ++by_shape[run.first];
  std::map<std::vector<std::int64_t>, std::size_t> by_steps;
  for (const auto& run : runs) {
    const auto shape = by_shape.find(run.first);
    if (shape == by_shape.end()) continue;
    by_steps[curve_of(table, metric, run).steps] += shape->second;
    by_shape.erase(shape);
  }
  const auto most = std::max_element(by_steps.begin(), by_steps.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == by_steps.end() ? std::vector<std::int64_t>{} : most->first;
}

std::string span_of(const std::vector<std::int64_t>& steps) {
  if (steps.empty()) return "none";
  return counted(steps.size(), "step") + ", " + std::to_string(steps.front()) + " to " +
         std::to_string(steps.back());
}

// How far experiments' values moved between two neighbouring steps of the usual list.
struct Moves {
  std::vector<std::uint32_t> rows;
  std::vector<double> by;
};

Moves moves_at(const CampaignTable& table, std::uint32_t metric, const std::vector<CampaignTable::Run>& usual,
               std::size_t k) {
  Moves moves;
  const auto places = table.metrics().places(metric);
  for (const auto& run : usual) {
    const MetricStore::Lines lines = table.lines(run.row);
    const double by = lines.values[places[run.first + k].line] - lines.values[places[run.first + k - 1].line];
    if (!std::isfinite(by)) continue;
    moves.rows.push_back(run.row);
    moves.by.push_back(by);
  }
  return moves;
}

}  // namespace

void check_curves_finite(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  for (const std::uint32_t metric : curve_metrics(table))
    for (const auto& run : table.runs(metric)) {
      const Curve curve = curve_of(table, metric, run);
      const auto bad = std::find_if(curve.values.begin(), curve.values.end(),
                                    [](double value) { return !std::isfinite(value); });
      if (bad == curve.values.end()) continue;
      const auto count =
          std::count_if(bad, curve.values.end(), [](double value) { return !std::isfinite(value); });
      const std::int64_t step = curve.steps[static_cast<std::size_t>(bad - curve.values.begin())];
      const std::string id = id_of(table, run.row);
      sink.add(Severity::warning, id,
               name_of_metric(table, metric) + " is " + shown(*bad) + " at step " + std::to_string(step) +
                   " (" + std::to_string(count) + " of " + std::to_string(curve.values.size()) +
                   " values are not finite); a model with such a loss gives no meaningful benchmark",
               "finite", shown(*bad),
               Json::object({{"metric", name_of_metric(table, metric)}, {"step", step}, {"count", count}}));
    }
}

void check_curves_complete(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  for (const std::uint32_t metric : curve_metrics(table)) {
    const auto runs = table.runs(metric);
    const auto usual = usual_steps(table, metric, runs);
    for (const auto& run : runs) {
      const Curve curve = curve_of(table, metric, run);
      if (curve.steps == usual) continue;
      const std::string id = id_of(table, run.row);
      sink.add(
          Severity::warning, id,
          name_of_metric(table, metric) + " has " + span_of(curve.steps) + "; most have " + span_of(usual),
          span_of(usual), span_of(curve.steps));
    }
  }
}

void check_curves_repeat(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  for (std::uint32_t metric = 0; metric < table.metrics().names().size(); ++metric)
    for (const auto& run : table.runs(metric)) {
      if (run.count < 2) continue;
      const Curve curve = curve_of(table, metric, run);
      const auto bad =
          std::adjacent_find(curve.steps.begin(), curve.steps.end(), [](auto a, auto b) { return b <= a; });
      if (bad == curve.steps.end()) continue;
      const std::string id = id_of(table, run.row), what = *bad == bad[1] ? " has two values" : " goes back";
      sink.add(Severity::error, id,
               name_of_metric(table, metric) + what + (*bad < 0 ? "" : " at step " + std::to_string(bad[1])),
               "each step once, ascending");
    }
}

void check_curves_plausible(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  for (const std::uint32_t metric : curve_metrics(table)) {
    const std::string name = name_of_metric(table, metric);
    const MetricRule* rule = input.rules.metric(name);
    const double worse = rule && rule->description.direction == "higher" ? -1 : 1;
    auto runs = table.runs(metric);
    const auto usual = usual_steps(table, metric, runs);
    std::erase_if(runs, [&](const auto& run) {
      return run.count != usual.size() || curve_of(table, metric, run).steps != usual;
    });
    const double unit = 2 * metric_column(table, name).half_unit();
    for (std::size_t k = 1; k < usual.size(); ++k) {
      const Moves moves = moves_at(table, metric, runs, k);
      if (moves.by.size() < kPeers) continue;
      const RobustSpread peers = robust_spread(moves.by);
      const double bound = kUnlikePeers * std::max(peers.spread, unit);
      for (std::size_t i = 0; i < moves.rows.size(); ++i) {
        if (worse * moves.by[i] <= 0 || worse * (moves.by[i] - peers.median) <= bound) continue;
        const std::string id = id_of(table, moves.rows[i]);
        sink.add(Severity::note, id,
                 name + " gets worse by " + shown(std::abs(moves.by[i])) + " from step " +
                     std::to_string(usual[k - 1]) + " to " + std::to_string(usual[k]) +
                     "; its peers move by " + shown(peers.median) + " +- " + shown(peers.spread),
                 shown(peers.median), shown(moves.by[i]));
      }
    }
  }
}

void check_curves_start(const CheckInput& input, FindingSink& sink) {
  if (!input.rules.system || !input.rules.system->vocabulary || !*input.rules.system->loss) return;
  const CampaignTable& table = input.view.table();
  const auto metric = table.metrics().names().find(input.rules.system->loss);
  if (!metric) return;
  const double expected = std::log(*input.rules.system->vocabulary);
  std::vector<std::uint32_t> rows;
  for (const auto& run : table.runs(*metric)) {
    const Curve curve = curve_of(table, *metric, run);
    if (curve.steps[0] <= 1 && std::isfinite(curve.values[0]) && std::abs(curve.values[0] - expected) > 1)
      rows.push_back(run.row);
  }
  if (!rows.empty())
    sink.add(Severity::note, ids_of(table, rows),
             counted(rows.size(), "experiment") + " start more than 1 nat from ln(vocabulary) = " +
                 shown(expected) + ", where an untrained model starts: " + ids_of(table, rows),
             shown(expected));
}

}  // namespace assay::verify
