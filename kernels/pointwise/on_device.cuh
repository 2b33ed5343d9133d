// Formulas that a device computes another way: the same bits from fewer instructions.
#pragma once

#include "kernels/pointwise/functors.hpp"

namespace assay::kernels::cuda {

template <typename F>
struct OnDevice {
  static __device__ __forceinline__ float at(float a, float b, float c, float s0, float s1, float s2,
                                             float s3) {
    return F::at(a, b, c, s0, s1, s2, s3);
  }
};

/// log(1 + e^x) for x <= 44, as math::exp and math::log1p_nonnegative give it, without what they do for NaN,
/// infinity and exponents that do not occur. e^x is made 2^64 times too large, which is exact, and rounded by
/// one product; 2^-k comes from the bits that k is made of. Other x give some number.
__device__ __forceinline__ float softplus_near(float x) {
  using namespace math;
  const float e = exp_nonpositive(x);  // of x above 0 too while the result times 2^64 is finite
  const std::uint32_t exponent = (bits_of(1.0f + e) - 0x3f2aaaabu) & 0xff800000u;
  const float f = float_of(bits_of(e) - exponent) + (float_of(0x3f800000u - exponent) - 1.0f);
  const float whole = number_of(static_cast<std::int32_t>(exponent) >> 23);
  const float y = fma_(whole, 0x1.62e400p-1f, fma_(whole, 0x1.7f7d1cp-20f, log_tail(f)) + f);
  return e < 0x1p-30f ? e : y;
}

template <>
struct OnDevice<ops::softplus> {
  /// s0: beta, s1: threshold; the same for all threads.
  static __device__ __forceinline__ float at(float a, float, float, float s0, float s1, float, float) {
    if (s0 != 1.0f || !(s1 <= 40.0f)) return math::softplus(a, s0, s1);
    return a <= s1 ? softplus_near(a) : a;  // NaN stays
  }
};

}  // namespace assay::kernels::cuda
