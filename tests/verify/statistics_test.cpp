#include "verify/statistics.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace assay::verify {
namespace {

TEST(Statistics, ExpectedMaximumOfNormals) {
  // Tables of normal order statistics (Harter, Biometrika 48, 1961): n = 2 is 1/sqrt(pi).
  EXPECT_NEAR(expected_maximum_of_normals(1), 0, 1e-12);
  EXPECT_NEAR(expected_maximum_of_normals(2), 1 / std::sqrt(M_PI), 1e-12);
  EXPECT_NEAR(expected_maximum_of_normals(3), 1.5 / std::sqrt(M_PI), 1e-12);
  EXPECT_NEAR(expected_maximum_of_normals(5), 1.16296447, 1e-8);
  EXPECT_NEAR(expected_maximum_of_normals(105), 2.5250, 5e-5);
  EXPECT_NEAR(expected_maximum_of_normals(1350), 3.3266, 5e-5);
  EXPECT_NEAR(expected_maximum_of_normals(1773), 3.4023, 5e-5);
}

TEST(Statistics, Normal) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_cdf(1.959963984540054), 0.975, 1e-15);
  EXPECT_NEAR(normal_upper_tail(10) / 7.619853024160527e-24, 1, 1e-12);
}

TEST(Statistics, BinomialStandardError) { EXPECT_DOUBLE_EQ(binomial_standard_error(0.5, 2500), 0.01); }

TEST(Statistics, HolmStepsDown) {
  // Holm 1979, as worked in Aickin and Gensler, AJPH 86, 1996: thresholds .05/4, .05/3, ...
  EXPECT_EQ(holm_rejections({0.01, 0.04, 0.03, 0.005}, 4, 0.05),
            (std::vector<bool>{true, false, false, true}));
  EXPECT_EQ(holm_rejections({0.01, 0.02, 0.04}, 3, 0.05), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(holm_rejections({0.02, 0.02}, 3, 0.05), (std::vector<bool>{false, false}));
  EXPECT_EQ(holm_rejections({0.01, NAN}, 5, 0.05), (std::vector<bool>{true, false}));
  EXPECT_EQ(holm_rejections({0.011, NAN}, 5, 0.05), (std::vector<bool>{false, false}));
  EXPECT_TRUE(holm_rejections({}, 0, 0.05).empty());
}

TEST(Statistics, RobustSpread) {
  const RobustSpread odd = robust_spread({1, 2, 3, 4, 1000});
  EXPECT_EQ(odd.median, 3);
  EXPECT_DOUBLE_EQ(odd.spread, 1.4826);
  EXPECT_EQ(robust_spread({1, 2, 3, 10}).median, 2.5);
  EXPECT_EQ(robust_spread({7}).spread, 0);
}

}  // namespace
}  // namespace assay::verify
