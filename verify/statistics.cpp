#include "verify/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <boost/math/distributions/normal.hpp>

namespace assay::verify {

namespace {
const boost::math::normal kNormal;

double log_cdf(double x) { return x < 0 ? std::log(normal_cdf(x)) : std::log1p(-normal_upper_tail(x)); }
}  // namespace

double normal_cdf(double z) { return boost::math::cdf(kNormal, z); }
double normal_upper_tail(double z) { return boost::math::cdf(boost::math::complement(kNormal, z)); }
double normal_quantile(double p) { return boost::math::quantile(kNormal, p); }

double binomial_standard_error(double p, double n) { return std::sqrt(p * (1 - p) / n); }

double expected_maximum_of_normals(std::uint64_t n) {
  // The integrand is analytic and vanishes with all its derivatives at both ends, where the trapezoid rule
  // converges faster than any power of the step.
  constexpr double kEnd = 12, kStep = 1.0 / 256;
  double sum = 0;
  for (double x = -kEnd; x <= kEnd; x += kStep) {
    const double log_density = std::log(static_cast<double>(n)) - x * x / 2 - std::log(2 * M_PI) / 2 +
                               static_cast<double>(n - 1) * log_cdf(x);
    sum += x * std::exp(log_density);
  }
  return sum * kStep;
}

std::vector<bool> holm_rejections(const std::vector<double>& p_values, std::uint64_t family, double alpha) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  auto value = [&](std::size_t i) { return std::isnan(p_values[i]) ? 1.0 : p_values[i]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return value(a) < value(b); });
  std::vector<bool> rejected(p_values.size());
  const auto size = std::max<std::uint64_t>(family, p_values.size());
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    if (value(order[rank]) > alpha / static_cast<double>(size - rank)) break;
    rejected[order[rank]] = true;
  }
  return rejected;
}

RobustSpread robust_spread(std::vector<double> values) {
  auto median = [](std::vector<double>& v) {
    const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
    std::nth_element(v.begin(), middle, v.end());
    if (v.size() % 2) return *middle;
    return (*middle + *std::max_element(v.begin(), middle)) / 2;
  };
  RobustSpread out;
  out.median = median(values);
  for (double& value : values) value = std::abs(value - out.median);
  out.spread = 1.4826 * median(values);
  return out;
}

}  // namespace assay::verify
