// Does the score follow from the sealed numbers by the search's published formula? A search may measure in
// stages; the numbers beside a score need not be the ones it was made from. So nothing is called wrong before
// the fields are shown to belong together.
#include "toolkit/rules/fitness.hpp"

#include <cmath>

#include "toolkit/base/text.hpp"
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"

namespace assay::verify {

namespace {

using rules::AsiArchFitness;

constexpr double kExact = 1e-9;  // of scores made in double arithmetic and printed in full
constexpr double kJudgeSlack =
    0.05;  // what four printed digits of loss and benchmark can move a solved mark by

// One experiment of ASI-Arch with a score and the numbers that the formula wants.
struct Scored {
  std::uint32_t row = 0;
  double score = 0, loss = 0, bench = 0;
  std::optional<double> judge;

  double solved_judge() const { return AsiArchFitness::judge_for(score, loss, bench); }
  bool mark_possible() const {
    const double mark = solved_judge();
    return mark >= AsiArchFitness::kJudgeLow - kJudgeSlack &&
           mark <= AsiArchFitness::kJudgeHigh + kJudgeSlack;
  }
  // Beyond the ends of the formula's scale, where it no longer depends on them.
  bool saturated() const {
    const double loss_step = (AsiArchFitness::kLossBaseline - loss) / AsiArchFitness::kLossScale;
    const double bench_step = (bench - AsiArchFitness::kBenchBaseline) / AsiArchFitness::kBenchScale;
    return std::abs(loss_step) >= 1 && std::abs(bench_step) >= 1;
  }
};

bool has_formula(const CheckInput& input, Formula formula) {
  return input.rules.system && input.rules.system->formula == formula;
}

std::vector<Scored> scored_of(const CheckInput& input) {
  std::vector<Scored> out;
  const CampaignTable& table = input.view.table();
  const KnownSystem& system = *input.rules.system;
  const MetricColumn loss = metric_column(table, system.loss), bench = metric_column(table, system.average),
                     judge = metric_column(table, system.judge);
  for (std::size_t i = 0; i < loss.rows.size(); ++i) {
    const std::uint32_t row = loss.rows[i];
    const auto score = table.score(row), mean = bench.of(row);
    if (score && mean) out.push_back({row, *score, loss.values[i], *mean, judge.of(row)});
  }
  return out;
}

// The fields of one stage lie, at least for some experiments, where the formula can tell them apart, and
// never need a mark that no judge gives.
struct Belonging {
  std::size_t all = 0, saturated = 0;
  std::vector<std::uint32_t> impossible;
  double lowest = INFINITY, highest = -INFINITY;  // solved marks

  bool of_two_stages() const { return all > 0 && saturated == all; }
};

Belonging belonging_of(const std::vector<Scored>& scored) {
  Belonging out;
  for (const Scored& one : scored) {
    ++out.all;
    out.saturated += one.saturated() || std::isnan(one.loss) || std::isnan(one.bench);
    if (!one.mark_possible()) out.impossible.push_back(one.row);
    out.lowest = std::min(out.lowest, one.solved_judge());
    out.highest = std::max(out.highest, one.solved_judge());
  }
  return out;
}

void check_asi_arch(const CheckInput& input, FindingSink& sink) {
  const auto scored = scored_of(input);
  if (belonging_of(scored).of_two_stages()) return;
  for (const Scored& one : scored) {
    if (!one.judge) continue;
    const double expected = AsiArchFitness::score(one.loss, one.bench, *one.judge);
    // The terms' slope is at most 1.5 a unit of scale; printed digits may have been cut.
    const double slack =
        1.5 * (5e-5 / AsiArchFitness::kLossScale + 5e-5 / AsiArchFitness::kBenchScale) + kExact;
    if (std::abs(expected - one.score) <= slack) continue;
    const std::string id = id_of(input.view.table(), one.row);
    sink.add(
        Severity::error, id,
        "score is " + shown(one.score) + ", but loss, benchmark and judge's mark give " + shown(expected),
        shown(expected), shown(one.score));
  }
}

// ASI-Evolve: the evaluation itself, or blended with a judge's mark by one ratio for the whole run.
void check_asi_evolve(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  const MetricColumn evaluation = metric_column(table, input.rules.system->average),
                     judge = metric_column(table, input.rules.system->judge);
  std::optional<double> ratio;
  for (std::size_t i = 0; i < evaluation.rows.size(); ++i) {
    const std::uint32_t row = evaluation.rows[i];
    const auto score = table.score(row), mark = judge.of(row);
    if (!score || std::isnan(evaluation.values[i])) continue;
    if (!ratio && mark && *mark != evaluation.values[i])
      ratio = (*score - evaluation.values[i]) / (*mark - evaluation.values[i]);
    const double expected =
        mark ? rules::asi_evolve_score(evaluation.values[i], *mark, ratio.value_or(0)) : evaluation.values[i];
    if (std::abs(expected - *score) <= kExact * std::max(1.0, std::abs(expected))) continue;
    const std::string id = id_of(table, row);
    sink.add(Severity::error, id,
             "score is " + shown(*score) + ", but the evaluation" +
                 (mark ? " and the judge's mark give " : " is ") + shown(expected),
             shown(expected), shown(*score));
  }
  if (ratio && (*ratio < 0 || *ratio > 1))
    sink.add(Severity::error, "", "the scores need a blend of evaluation and judge's mark outside 0 to 1",
             "0 to 1", shown(*ratio));
}

}  // namespace

void check_fitness(const CheckInput& input, FindingSink& sink) {
  if (has_formula(input, Formula::asi_arch)) check_asi_arch(input, sink);
  if (has_formula(input, Formula::asi_evolve)) check_asi_evolve(input, sink);
}

void check_fitness_inputs(const CheckInput& input, FindingSink& sink) {
  if (!has_formula(input, Formula::asi_arch)) return;
  const CampaignTable& table = input.view.table();
  const auto scored = scored_of(input);
  std::uint64_t with_score = 0, with_mark = 0;
  for (std::uint32_t row = 0; row < table.size(); ++row) with_score += table.score(row).has_value();
  for (const Scored& one : scored) with_mark += one.judge.has_value();
  if (with_score > scored.size())
    sink.add(Severity::note, "",
             counted(with_score - scored.size(), "score") + " of " + with_separators(with_score) +
                 " cannot be recomputed: loss and benchmarks are not sealed");
  if (scored.empty() || with_mark == scored.size()) return;
  const Belonging belonging = belonging_of(scored);
  const std::string count = counted(scored.size(), "score");
  if (belonging.of_two_stages()) {
    sink.add(
        Severity::note, "",
        count +
            " cannot be recomputed from the sealed loss and benchmarks: all of these lie beyond both ends of "
            "the formula's "
            "scale (loss " +
            shown(AsiArchFitness::kLossBaseline) + " +- " + shown(AsiArchFitness::kLossScale) +
            ", benchmark " + shown(AsiArchFitness::kBenchBaseline) + " +- " +
            shown(AsiArchFitness::kBenchScale) +
            "), so they were measured in another stage than the score; and the judge's marks are not sealed");
  } else {
    sink.add(
        Severity::note, "",
        count +
            " cannot be recomputed: the judge's marks are not sealed. Solved for them, they lie between " +
            shown(belonging.lowest) + " and " + shown(belonging.highest) + " of 1 to 10");
  }
  if (belonging.impossible.empty()) return;
  sink.add(Severity::warning, ids_of(table, belonging.impossible),
           counted(belonging.impossible.size(), "score") + " of " + with_separators(scored.size()) +
               " would need a judge's mark outside 1 to 10 (from " + shown(belonging.lowest) + " to " +
               shown(belonging.highest) + "): score and sealed numbers are not of one measurement",
           "1 to 10", shown(belonging.lowest) + " to " + shown(belonging.highest));
}

void check_fitness_range(const CheckInput& input, FindingSink& sink) {
  if (!has_formula(input, Formula::asi_arch)) return;
  const CampaignTable& table = input.view.table();
  const std::string range = shown(AsiArchFitness::lowest()) + " to " + shown(AsiArchFitness::highest());
  for (std::uint32_t row = 0; row < table.size(); ++row) {
    const auto score = table.score(row);
    if (!score ||
        (*score >= AsiArchFitness::lowest() - kExact && *score <= AsiArchFitness::highest() + kExact))
      continue;
    sink.add(Severity::error, id_of(table, row),
             "no loss, benchmark and mark give the score " + shown(*score), range, shown(*score));
  }
}

void check_fitness_nan(const CheckInput& input, FindingSink& sink) {
  if (!has_formula(input, Formula::asi_arch)) return;
  for (const Scored& one : scored_of(input)) {
    if (!std::isnan(one.loss) && !std::isnan(one.bench)) continue;
    const std::string id = id_of(input.view.table(), one.row);
    sink.add(
        Severity::warning, id,
        std::string(std::isnan(one.loss) ? "loss" : "benchmark") +
            " is nan, to which the scoring code would give the best possible term (in CPython min(1, nan) is "
            "1); the score is " +
            shown(one.score),
        "", "nan");
  }
}

}  // namespace assay::verify
