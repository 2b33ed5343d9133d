#include "kernels/exhaustive/functions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/math/math.hpp"

namespace assay::kernels::exhaustive {

namespace {

#define ASSAY_FUNCTION(name, bound, ...)                                                                \
  {                                                                                                     \
#name, [](float x) { return math::name(x); }, [](double x) -> double { return __VA_ARGS__; }, bound \
  }

constexpr Function kFunctions[] = {
    ASSAY_FUNCTION(exp, 1.00, std::exp(x)),     ASSAY_FUNCTION(exp2, 0.85, std::exp2(x)),
    ASSAY_FUNCTION(expm1, 1.45, std::expm1(x)), ASSAY_FUNCTION(log, 0.90, std::log(x)),
    ASSAY_FUNCTION(log2, 1.50, std::log2(x)),   ASSAY_FUNCTION(log10, 1.25, std::log10(x)),
    ASSAY_FUNCTION(log1p, 1.60, std::log1p(x)), ASSAY_FUNCTION(sin, 1.50, std::sin(x)),
    ASSAY_FUNCTION(cos, 1.50, std::cos(x)),     ASSAY_FUNCTION(tan, 1.40, std::tan(x)),
    ASSAY_FUNCTION(asin, 0.60, std::asin(x)),   ASSAY_FUNCTION(acos, 0.60, std::acos(x)),
    ASSAY_FUNCTION(atan, 1.60, std::atan(x)),   ASSAY_FUNCTION(sinh, 0.51, std::sinh(x)),
    ASSAY_FUNCTION(cosh, 0.51, std::cosh(x)),   ASSAY_FUNCTION(tanh, 1.45, std::tanh(x)),
    ASSAY_FUNCTION(asinh, 0.51, std::asinh(x)), ASSAY_FUNCTION(acosh, 0.51, std::acosh(x)),
    ASSAY_FUNCTION(atanh, 0.51, std::atanh(x)), ASSAY_FUNCTION(erf, 1.60, std::erf(x)),
    ASSAY_FUNCTION(erfc, 0.51, std::erfc(x)),   ASSAY_FUNCTION(sigmoid, 2.40, 1 / (1 + std::exp(-x))),
};
#undef ASSAY_FUNCTION

}  // namespace

std::span<const Function> functions() { return kFunctions; }

double error_in_ulp(float found, double truth) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  if (std::isnan(truth) || std::isnan(found)) return std::isnan(truth) && std::isnan(found) ? 0 : kNone;
  if (static_cast<double>(found) == truth) return 0;
  if (std::isinf(truth)) return kNone;
  int exponent = 0;
  std::frexp(truth, &exponent);
  const double unit = std::ldexp(1.0, std::clamp(exponent, -125, 128) - 24);
  const double value = std::isinf(found) ? std::copysign(0x1p128, found) : static_cast<double>(found);
  // Beyond the largest number every truth rounds to infinity, and one clearly below does not.
  if (std::abs(truth) >= 0x1p128)
    return std::isinf(found) && (found > 0) == (truth > 0) ? 0 : std::abs(value - truth) / unit;
  return std::abs(value - truth) / unit;
}

}  // namespace assay::kernels::exhaustive
