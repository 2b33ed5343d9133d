// What the elementary functions are made of. Every function here is exact or rounds once as IEEE 754 says, so
// host and device agree.
#pragma once

#include "kernels/core/hd.hpp"

namespace assay::kernels::math {

ASSAY_HD double fma64(double a, double b, double c) {
#if defined(__CUDA_ARCH__)
  return __fma_rn(a, b, c);
#else
  return __builtin_fma(a, b, c);
#endif
}
ASSAY_HD std::uint64_t bits64(double x) {
#if defined(__CUDA_ARCH__)
  return static_cast<std::uint64_t>(__double_as_longlong(x));
#else
  std::uint64_t u;
  __builtin_memcpy(&u, &x, 8);
  return u;
#endif
}
ASSAY_HD double float64_of(std::uint64_t u) {
#if defined(__CUDA_ARCH__)
  return __longlong_as_double(static_cast<long long>(u));
#else
  double x;
  __builtin_memcpy(&x, &u, 8);
  return x;
#endif
}

ASSAY_HD float infinity() { return float_of(0x7f800000); }
ASSAY_HD float nan() { return float_of(kNan32); }
ASSAY_HD bool is_nan(float x) { return x != x; }
ASSAY_HD float truth(bool b) { return b ? 1.0f : 0.0f; }
ASSAY_HD float canonical(float x) { return x != x ? nan() : x; }

/// By bits, so that the sign of zero and of NaN is what they say.
ASSAY_HD float negate(float x) { return float_of(bits_of(x) ^ 0x80000000u); }
ASSAY_HD float magnitude(float x) { return float_of(bits_of(x) & 0x7fffffffu); }
ASSAY_HD float copysign(float x, float sign) {
  return float_of((bits_of(x) & 0x7fffffffu) | (bits_of(sign) & 0x80000000u));
}
ASSAY_HD bool is_finite(float x) { return (bits_of(x) & 0x7fffffffu) < 0x7f800000u; }
ASSAY_HD bool is_infinite(float x) { return (bits_of(x) & 0x7fffffffu) == 0x7f800000u; }
ASSAY_HD bool has_sign(float x) { return bits_of(x) >> 31 != 0; }

/// The larger, NaN when either is NaN; of +0 and -0 the first.
ASSAY_HD float larger(float a, float b) {
  const float y = b != b ? b : a;
  return a < b ? b : y;
}
ASSAY_HD float smaller(float a, float b) {
  const float y = b != b ? b : a;
  return a > b ? b : y;
}

/// The larger of two numbers that are not both 0; beside a NaN the other one, or NaN.
ASSAY_HD float larger_number(float a, float b) {
#if defined(__CUDA_ARCH__)
  return ::fmaxf(a, b);
#else
  return a < b ? b : a;
#endif
}

// Quotients whose operands are known to be far from the ends of the number range. The device's own division
// looks for those first; without that look it is half as long. Host: plain division.
#if defined(__CUDA_ARCH__)
/// RN(1/b) for 2^-120 <= b <= 2^120: one Newton step, as the device's own reciprocal has it.
ASSAY_HD float reciprocal_inside(float b) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(b));
  return __fmaf_rn(y, __fmaf_rn(-b, y, 1.0f), y);
}
/// RN(a/b), b as above, the quotient normal and far from both ends, or b = 1. The last step is Markstein's:
/// right where the quotient before it is a neighbour of the true one.
ASSAY_HD float divide_inside(float a, float b) {
  const float y = reciprocal_inside(b);
  float q = a * y;
  q = __fmaf_rn(__fmaf_rn(-b, q, a), y, q);
  return __fmaf_rn(__fmaf_rn(-b, q, a), y, q);
}
#else
ASSAY_HD float reciprocal_inside(float b) { return 1.0f / b; }
ASSAY_HD float divide_inside(float a, float b) { return a / b; }
#endif

/// A small integer (below 2^22) as a number: on the device an addition is eight times cheaper than the
/// conversion.
ASSAY_HD float number_of(std::int32_t k) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(0x4b400000u + static_cast<std::uint32_t>(k)) - 12582912.0f;
#else
  return static_cast<float>(k);
#endif
}

#if defined(__CUDA_ARCH__)
ASSAY_HD float sqrt(float x) { return __fsqrt_rn(x); }
ASSAY_HD double sqrt64(double x) { return __dsqrt_rn(x); }
ASSAY_HD float floor(float x) { return ::floorf(x); }
ASSAY_HD float ceil(float x) { return ::ceilf(x); }
ASSAY_HD float trunc(float x) { return ::truncf(x); }
ASSAY_HD double trunc64(double x) { return ::trunc(x); }
ASSAY_HD float nearest(float x) { return ::rintf(x); }
#else
ASSAY_HD float sqrt(float x) { return __builtin_sqrtf(x); }
ASSAY_HD double sqrt64(double x) { return __builtin_sqrt(x); }
ASSAY_HD float floor(float x) { return __builtin_floorf(x); }
ASSAY_HD float ceil(float x) { return __builtin_ceilf(x); }
ASSAY_HD float trunc(float x) { return __builtin_truncf(x); }
ASSAY_HD double trunc64(double x) { return __builtin_trunc(x); }
/// Ties to even, in the default rounding mode.
ASSAY_HD float nearest(float x) { return __builtin_rintf(x); }
#endif

/// 2^n for -126 <= n <= 127.
ASSAY_HD float power_of_two(std::int32_t n) { return float_of(static_cast<std::uint32_t>(n + 127) << 23); }

}  // namespace assay::kernels::math
