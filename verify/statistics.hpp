// The statistics that the checks use, each with its source.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::verify {

/// P(Z <= z) and P(Z > z) of a standard normal, each without cancellation in its own tail.
double normal_cdf(double z);
double normal_upper_tail(double z);
/// The z with normal_cdf(z) = p, 0 < p < 1.
double normal_quantile(double p);

/// Standard error of a fraction p seen in n independent questions: sqrt(p (1 - p) / n).
double binomial_standard_error(double p, double n);

/// E[max of n independent standard normals] = integral of x n phi(x) Phi(x)^(n-1) dx (David and Nagaraja,
/// Order Statistics, 2003, section 3.1). n >= 1; absolute error below 1e-9.
double expected_maximum_of_normals(std::uint64_t n);

/// Holm's step-down procedure (Scandinavian Journal of Statistics 6, 1979, 65-70) over a family of `family`
/// hypotheses, of which those not given in `p_values` count as p = 1: which of `p_values` are rejected with
/// the family-wise error rate at most `alpha`. NaN counts as 1.
std::vector<bool> holm_rejections(const std::vector<double>& p_values, std::uint64_t family, double alpha);

/// Median, and median absolute deviation from it times 1.4826 (consistent for a normal; Rousseeuw and Croux,
/// JASA 88, 1993). Of finite values, at least one.
struct RobustSpread {
  double median = 0, spread = 0;
};
RobustSpread robust_spread(std::vector<double> values);

}  // namespace assay::verify
