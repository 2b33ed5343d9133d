// How two published searches turn measurements into a score. Pure functions, with the arithmetic and the
// order of comparisons of the CPython code that made the scores.
#pragma once

namespace assay::rules {

/// CPython's min(a, b) and max(a, b): the first unless the second compares smaller (greater). Every
/// comparison with a NaN is false, so min(1, nan) is 1, and a NaN in second place is lost.
double python_min(double a, double b);
double python_max(double a, double b);

/// ASI-Arch (arXiv:2507.18074; its published scoring code):
///   fitness = s((4.575 - loss) / 0.4575) + s((bench - 0.224) / 0.0224) + (judge - 1) / 9,
///   s(r) = 1 / (1 + exp(-6 max(-1, min(1, r)))).
/// `loss` is the last training loss in nats, `bench` the mean of the benchmark row as a fraction, `judge` a
/// language model's mark from 1 to 10. The paper divides the sum by 3; the code does not.
struct AsiArchFitness {
  static constexpr double kLossBaseline = 4.575, kBenchBaseline = 0.224;
  static constexpr double kLossScale = 0.4575, kBenchScale = 0.0224;
  static constexpr double kJudgeLow = 1, kJudgeHigh = 10;

  static double squash(double relative);  ///< s(r): 0.0025 to 0.9975; a NaN gives the maximum
  static double loss_term(double loss);
  static double bench_term(double bench);
  static double judge_term(double judge);
  static double score(double loss, double bench, double judge);
  /// The judge's mark that would give `score`; it may lie outside 1 to 10.
  static double judge_for(double score, double loss, double bench);
  /// The lowest and highest score that the formula can give.
  static double lowest();
  static double highest();
};

/// ASI-Evolve (arXiv:2603.29640): (1 - ratio) * evaluation + ratio * judge.
double asi_evolve_score(double evaluation, double judge, double ratio);

}  // namespace assay::rules
