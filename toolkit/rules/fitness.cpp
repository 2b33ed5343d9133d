#include "toolkit/rules/fitness.hpp"

#include <cmath>

namespace assay::rules {

double python_min(double a, double b) { return b < a ? b : a; }
double python_max(double a, double b) { return b > a ? b : a; }

double AsiArchFitness::squash(double relative) {
  return 1 / (1 + std::exp(-6 * python_max(-1, python_min(1, relative))));
}

double AsiArchFitness::loss_term(double loss) { return squash((kLossBaseline - loss) / kLossScale); }
double AsiArchFitness::bench_term(double bench) { return squash((bench - kBenchBaseline) / kBenchScale); }
double AsiArchFitness::judge_term(double judge) { return (judge - kJudgeLow) / (kJudgeHigh - kJudgeLow); }

double AsiArchFitness::score(double loss, double bench, double judge) {
  return loss_term(loss) + bench_term(bench) + judge_term(judge);
}

double AsiArchFitness::judge_for(double score, double loss, double bench) {
  return (score - loss_term(loss) - bench_term(bench)) * (kJudgeHigh - kJudgeLow) + kJudgeLow;
}

double AsiArchFitness::lowest() { return 2 * squash(-1); }
double AsiArchFitness::highest() { return 2 * squash(1) + 1; }

double asi_evolve_score(double evaluation, double judge, double ratio) {
  return (1 - ratio) * evaluation + ratio * judge;
}

}  // namespace assay::rules
