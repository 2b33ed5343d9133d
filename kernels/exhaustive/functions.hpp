// The unary fp32 functions that are checked over all inputs: each beside an fp64 truth and the largest error
// that the contract states. Tests and assay-exhaustive; not part of the library.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "kernels/core/hd.hpp"

namespace assay::kernels::exhaustive {

struct Function {
  const char* name;         ///< the pointwise table's
  float (*value)(float x);  ///< one source, compiled plainly
  double (*truth)(double x);
  double bound;  ///< in ulp of the truth rounded to fp32
};
std::span<const Function> functions();

/// |found - truth| in units of the last place of fp32 at truth (subnormals: of 2^-149). 0 when both are NaN
/// or the same infinity; infinite when one is. An overflow counts as the value one ulp above the largest.
ASSAY_HD double error_in_ulp(float found, double truth) {
  const bool none = std::isnan(truth), lost = std::isnan(found);
  if (none || lost) return none && lost ? 0 : HUGE_VAL;
  if (static_cast<double>(found) == truth) return 0;
  if (std::isinf(truth)) return HUGE_VAL;
  int exponent = 0;
  ::frexp(truth, &exponent);
  const double unit = ::ldexp(1.0, (exponent < -125 ? -125 : exponent > 128 ? 128 : exponent) - 24);
  const double value =
      std::isinf(found) ? ::copysign(0x1p128, static_cast<double>(found)) : static_cast<double>(found);
  // Beyond the largest number every truth rounds to infinity, and one clearly below does not.
  if (::fabs(truth) >= 0x1p128 && std::isinf(found) && (found > 0) == (truth > 0)) return 0;
  return ::fabs(value - truth) / unit;
}

struct Worst {
  double ulp;
  float at;
};
/// Of equal errors the smaller bit pattern, so that any order of inputs gives one answer.
ASSAY_HD bool worse(const Worst& a, const Worst& b) {
  return a.ulp > b.ulp || (a.ulp == b.ulp && bits_of(a.at) < bits_of(b.at));
}

/// The largest error over blocks of 2^20 inputs (blocks.hpp), on the CPU, `threads` at a time.
Worst largest_error(const Function& function, std::span<const std::uint32_t> blocks, int threads);
/// The same on the device, against its fp64 functions, for function number `row`; false when it failed.
bool largest_error_cuda(std::size_t row, std::span<const std::uint32_t> blocks, Worst& worst);

}  // namespace assay::kernels::exhaustive
