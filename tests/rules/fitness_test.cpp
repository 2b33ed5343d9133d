#include "toolkit/rules/fitness.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace assay::rules {
namespace {

TEST(Fitness, MinAndMaxCompareAsCPythonDoes) {
  EXPECT_EQ(python_min(1, NAN), 1);
  EXPECT_TRUE(std::isnan(python_min(NAN, 1)));
  EXPECT_EQ(python_max(-1, NAN), -1);
  EXPECT_TRUE(std::isnan(python_max(NAN, -1)));
  EXPECT_TRUE(std::signbit(python_min(-0.0, 0.0)));  // equal: the first
  EXPECT_FALSE(std::signbit(python_max(0.0, -0.0)));
}

// Values computed with CPython 3.11 from the formula as published.
TEST(Fitness, OfAsiArch) {
  EXPECT_DOUBLE_EQ(AsiArchFitness::score(4.575, 0.224, 1), 1.0);
  EXPECT_DOUBLE_EQ(AsiArchFitness::score(4.4, 0.23, 7.5), 0.9084689097668271 + 0.8330143317519275 + 6.5 / 9);
  EXPECT_DOUBLE_EQ(AsiArchFitness::highest(), 2.9950547536867305);
  EXPECT_DOUBLE_EQ(AsiArchFitness::lowest(), 0.004945246313269549);
}

TEST(Fitness, OfAsiArchGivesNanTheMaximum) {
  EXPECT_EQ(AsiArchFitness::loss_term(NAN), AsiArchFitness::loss_term(0));
  EXPECT_EQ(AsiArchFitness::bench_term(NAN), AsiArchFitness::bench_term(1));
}

TEST(Fitness, JudgeIsTheInverse) {
  for (const double judge : {1.0, 4.5, 10.0}) {
    const double score = AsiArchFitness::score(4.3, 0.231, judge);
    EXPECT_NEAR(AsiArchFitness::judge_for(score, 4.3, 0.231), judge, 1e-12);
  }
}

TEST(Fitness, OfAsiEvolve) {
  EXPECT_DOUBLE_EQ(asi_evolve_score(0.5, 1, 0.25), 0.625);
  EXPECT_DOUBLE_EQ(asi_evolve_score(0.5, 1, 0), 0.5);
}

}  // namespace
}  // namespace assay::rules
