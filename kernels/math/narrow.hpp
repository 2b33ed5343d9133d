// Formulas for arguments that are bf16 and results that become bf16 at once. Such a function has 65,536
// results: a formula that is good to 2^-18 gives the rule's own after rounding where none of them lies closer
// to a tie, and its coefficients, fitted for the smallest largest error, were moved in their last digits
// until none of those that do came out on the other side. tests/kernels/narrow_test.cpp asks for every one.
#pragma once

#include "kernels/math/exponential.hpp"

namespace assay::kernels::math::narrow {

/// e^x for |x| < 87. One part of ln2 is enough for an x of eight bits.
ASSAY_HD float power_of_e(float x) {
  const float t = fma_(x, 0x1.715476p+0f, kRoundToInteger);
  const float r = fma_(t - kRoundToInteger, -0x1.62e430p-1f, x);
  float q = fma_(0x1.53fcd6p-5f, r, 0x1.57bb46p-3f);
  q = fma_(q, r, 0x1.00024p-1f);
  q = fma_(q, r, 0x1.fffbp-1f);
  return scale_bits(fma_(q, r, 1.0f), t);
}

// Each: near(x), which becomes the function's bf16 for kLeast <= |x| < kMost, both as the bits of a bf16.
// kPositive: of x > 0 only; below 0 the function has no value, and near gives some number.

struct exp {
  static constexpr std::uint16_t kLeast = 0, kMost = 0x42ae;  // 87
  static constexpr bool kPositive = false;
  static ASSAY_HD_MEMBER float near(float x) { return power_of_e(x); }
};

struct sigmoid {
  static constexpr std::uint16_t kLeast = 0, kMost = 0x42ae;
  static constexpr bool kPositive = false;
  static ASSAY_HD_MEMBER float near(float x) { return reciprocal_inside(1.0f + power_of_e(-x)); }
};

struct silu {
  static constexpr std::uint16_t kLeast = 0, kMost = 0x42ae;
  static constexpr bool kPositive = false;
  static ASSAY_HD_MEMBER float near(float x) { return x * reciprocal_inside(1.0f + power_of_e(-x)); }
};

/// x p(x^2) / q(x^2) up to 4, where tanh is 1 to eight bits.
struct tanh {
  static constexpr std::uint16_t kLeast = 0, kMost = 0x7f80;  // infinity
  static constexpr bool kPositive = false;
  static ASSAY_HD_MEMBER float near(float x) {
    const float low = x < -4.0f ? -4.0f : x, y = low > 4.0f ? 4.0f : low, z = y * y;
    const float p = fma_(fma_(0x1.93bf24p-11f, z, 0x1.af638p-4f), z, 1.0f);
    const float q = fma_(fma_(0x1.c285fcp-7f, z, 0x1.c113bcp-2f), z, 1.0f);
    return y * p * reciprocal_inside(q);
  }
};

/// The logarithm of erfc(y / sqrt(2)) as y q(y).
struct gelu {
  static constexpr std::uint16_t kLeast = 0, kMost = 0x408d;  // 4.40625
  static constexpr bool kPositive = false;
  static ASSAY_HD_MEMBER float near(float x) {
    const float y = magnitude(x);
    float q = fma_(0x1.8339bap-16f, y, -0x1.13ef8ap-11f);
    q = fma_(q, y, 0x1.6b2d68p-8f);
    q = fma_(q, y, -0x1.2deba4p-5f);
    q = fma_(q, y, -0x1.45d0f8p-2f);
    q = fma_(q, y, -0x1.988622p-1f);
    const float e = power_of_e(q * y);
    return 0.5f * x * (x < 0.0f ? e : 2.0f - e);
  }
};

/// x = 2^k (1 + f) with 1 + f between the roots of 1/2 and 2.
struct log {
  static constexpr std::uint16_t kLeast = 0x0080, kMost = 0x7f80;  // 2^-126, infinity
  static constexpr bool kPositive = true;
  static ASSAY_HD_MEMBER float near(float x) {
    const std::uint32_t u = bits_of(x), exponent = (u - 0x3f3504f3u) & 0xff800000u;
    const float k = number_of(static_cast<std::int32_t>(exponent) >> 23), f = float_of(u - exponent) - 1.0f;
    float q = fma_(-0x1.232484p-3f, f, 0x1.c11662p-3f);
    q = fma_(q, f, -0x1.03f88ap-2f);
    q = fma_(q, f, 0x1.54bap-2f);
    q = fma_(q, f, -0x1.ffea42p-2f);
    return fma_(k, 0x1.62e430p-1f, fma_(q, f * f, f));
  }
};

/// How far a bf16 lies above kLeast; in reach are those below kReach.
template <typename S>
ASSAY_HD std::uint16_t distance(std::uint16_t bits) {
  return static_cast<std::uint16_t>((bits & 0x7fff) - S::kLeast);
}
template <typename S>
inline constexpr std::uint16_t kReach = S::kMost - S::kLeast;

/// Of a bf16 that is widened: whether the formula itself has to be asked.
template <typename S>
ASSAY_HD bool is_far(float x) {
  const float size = magnitude(x), least = from_bf16(S::kLeast), most = from_bf16(S::kMost);
  return !(size < most) || (S::kLeast != 0 && !(size >= least));
}

}  // namespace assay::kernels::math::narrow
