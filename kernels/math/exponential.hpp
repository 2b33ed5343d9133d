// exp, exp2, expm1 in fp32, without branches. Reduction x = n ln2 + r with |r| <= ln2 / 2 (Cody and Waite), a
// polynomial in r fitted at Chebyshev nodes, and a scaling by 2^n in two exact steps and one rounding, so
// subnormal results are right.
#pragma once

#include "kernels/math/basic.hpp"

namespace assay::kernels::math {

inline constexpr float kRoundToInteger =
    12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits

/// p * 2^n for |n| <= 252: exact until the last product.
ASSAY_HD float scale(float p, std::int32_t n) {
  const std::int32_t half = n >> 1;
  return p * power_of_two(half) * power_of_two(n - half);
}

/// x within [low, high]; NaN stays NaN.
ASSAY_HD float limit(float x, float low, float high) {
  const float y = x < low ? low : x;
  return y > high ? high : y;
}

/// x brought to +-bound, by bits; no NaN may come in.
ASSAY_HD float limit_magnitude(float x, float bound) {
  const std::uint32_t u = bits_of(x), m = u & 0x7fffffffu, b = bits_of(bound);
  return float_of((m < b ? m : b) | (u & 0x80000000u));
}
/// The smaller of |x| and bound, by bits: a NaN becomes bound.
ASSAY_HD float limited(float x, float bound) {
  const std::uint32_t m = bits_of(x) & 0x7fffffffu, b = bits_of(bound);
  return float_of(m < b ? m : b);
}

/// x = n ln2 + r.
struct Reduced {
  float r;
  std::int32_t n;
};
ASSAY_HD Reduced reduce_exp(float x) {
  const float t = fma_(x, 0x1.715476p+0f, kRoundToInteger);
  const float n = t - kRoundToInteger;
  const float r = fma_(n, 0x1.05c610p-29f, fma_(n, -0x1.62e430p-1f, x));
  return {r, static_cast<std::int32_t>(bits_of(t) - 0x4b400000u)};
}

/// e^r - 1 for |r| <= 0.347.
ASSAY_HD float expm1_reduced(float r) {
  float q = fma_(0x1.a12652p-13f, r, 0x1.6d44b2p-10f);
  q = fma_(q, r, 0x1.1110e0p-7f);
  q = fma_(q, r, 0x1.5554e8p-5f);
  q = fma_(q, r, 0x1.555556p-3f);
  q = fma_(q, r, 0.5f);
  return fma_(q, r * r, r);
}

ASSAY_HD float exp_reduced(float r) { return expm1_reduced(r) + 1.0f; }

// A name with _total: the function for every x but NaN, where it gives some number. The table's rows use it
// and put NaN back themselves.

ASSAY_HD float exp_total(float x) {
  const Reduced reduced = reduce_exp(limit_magnitude(x, 110.0f));
  return scale(exp_reduced(reduced.r), reduced.n);
}
ASSAY_HD float exp(float x) { return x != x ? x : exp_total(x); }

/// p * 2^n, p and the result normal: by the exponent's bits. `t`: reduce_exp's, whose low bits are n; what
/// lies above them is shifted out.
ASSAY_HD float scale_bits(float p, float t) { return float_of(bits_of(p) + (bits_of(t) << 23)); }

/// e^x for -87 <= x <= 88: the result is normal.
ASSAY_HD float exp_narrow(float x) {
  const float t = fma_(x, 0x1.715476p+0f, kRoundToInteger);
  const float n = t - kRoundToInteger;
  return scale_bits(exp_reduced(fma_(n, 0x1.05c610p-29f, fma_(n, -0x1.62e430p-1f, x))), t);
}

/// e^x for x <= 0, -inf too: exp's bits. A NaN gives some number. The result is made 2^64 times too large,
/// which is exact, and rounded by one product.
ASSAY_HD float exp_nonpositive(float x) {
  const float y = larger_number(x, -110.0f);
  const float t = fma_(y, 0x1.715476p+0f, kRoundToInteger + 64.0f);
  const float n = t - (kRoundToInteger + 64.0f);
  const float p = exp_reduced(fma_(n, 0x1.05c610p-29f, fma_(n, -0x1.62e430p-1f, y)));
  return scale_bits(p, t) * 0x1p-64f;
}

ASSAY_HD float exp2_total(float x) {
  const float y = limit_magnitude(x, 160.0f);
  const float t = y + kRoundToInteger;
  const float f = y - (t - kRoundToInteger);
  float q = fma_(0x1.00a594p-16f, f, 0x1.444020p-13f);
  q = fma_(q, f, 0x1.5d879ep-10f);
  q = fma_(q, f, 0x1.3b2a1cp-7f);
  q = fma_(q, f, 0x1.c6b08ep-5f);
  q = fma_(q, f, 0x1.ebfbe0p-3f);
  q = fma_(q, f, 0x1.62e430p-1f);
  return scale(fma_(q, f, 1.0f), static_cast<std::int32_t>(bits_of(t) - 0x4b400000u));
}
ASSAY_HD float exp2(float x) { return x != x ? x : exp2_total(x); }

/// 2^n (e^r - 1) + (2^n - 1), where n = 0 for |x| < 0.34: the small ones lose nothing.
ASSAY_HD float expm1(float x) {
  const Reduced reduced = reduce_exp(limit(x, -20.0f, 89.0f));
  const float e = expm1_reduced(reduced.r);
  // One power less, doubled at the end: 2^128 is no fp32 number, and all else is exact.
  const float half = power_of_two(reduced.n - 1);
  const float sum = fma_(e, half, half - 0.5f);
  return reduced.n == 0 ? (x == 0.0f ? x : e) : sum + sum;
}

}  // namespace assay::kernels::math
