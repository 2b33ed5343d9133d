// sin, cos, tan and the inverse functions in fp32. |x| <= 32768: reduction by pi/2 in three parts with fma.
// Above: an exact product of the significand with 2/pi in integers (Payne and Hanek); the CPU loops take
// those elements one by one.
#pragma once

#include "kernels/math/basic.hpp"
#include "kernels/math/exponential.hpp"

namespace assay::kernels::math {

/// x = n pi/2 + r, |r| <= pi/4 or a little more.
struct Quadrant {
  float r;
  std::uint32_t n;
};
struct Quadrant64 {
  double r;
  std::uint32_t n;
};

ASSAY_HD bool far_from_zero(float x) { return !(magnitude(x) <= 32768.0f); }

ASSAY_HD Quadrant reduce_near(float x) {
  const float t = fma_(x, 0x1.45f306p-1f, kRoundToInteger);
  const float n = t - kRoundToInteger;
  float r = fma_(n, -0x1.921fb6p+0f, x);
  r = fma_(n, 0x1.777a5cp-25f, r);
  r = fma_(n, 0x1.ee59dap-50f, r);
  return {r, bits_of(t)};
}

ASSAY_HD Quadrant64 reduce_near64(float x) {
  const float t = fma_(x, 0x1.45f306p-1f, kRoundToInteger);
  const double n = t - kRoundToInteger;
  const double r = fma64(n, -0x1.921fb54442d18p+0, static_cast<double>(x));
  return {fma64(n, -0x1.1a62633145c07p-54, r), bits_of(t)};
}

/// 2/pi, 224 bits after the point.
ASSAY_HD std::uint32_t two_over_pi(std::int32_t word) {
  switch (word) {
    case 0:
      return 0xa2f9836eu;
    case 1:
      return 0x4e441529u;
    case 2:
      return 0xfc2757d1u;
    case 3:
      return 0xf534ddc0u;
    case 4:
      return 0xdb629599u;
    case 5:
      return 0x3c439041u;
    default:
      return word < 0 ? 0u : 0xfe5163abu;
  }
}

/// For finite |x| >= 2^15.
ASSAY_HD Quadrant64 reduce_far64(float x) {
  const std::uint32_t u = bits_of(x);
  const std::uint64_t m = (u & 0x7fffffu) | 0x800000u;
  const std::int32_t e = static_cast<std::int32_t>(u >> 23 & 255) - 150;  // |x| = m 2^e
  // The 96 bits of 2/pi from weight 2^(1-e) down: what lies above gives multiples of 4 quadrants.
  const std::int32_t first = e - 2;  // bits after the point that are left out, negative for e < 2
  const std::int32_t word = first >> 5, shift = first & 31;
  std::uint32_t p[3];
  for (std::int32_t k = 0; k < 3; ++k) {
    const std::uint64_t pair = std::uint64_t{two_over_pi(word + k)} << 32 | two_over_pi(word + k + 1);
    p[k] = static_cast<std::uint32_t>(pair << shift >> 32);
  }
  // m times those 96 bits, modulo 2^96: the top two bits are the quadrant, the rest its fraction.
  const std::uint64_t low = m * p[2], middle = m * p[1] + (low >> 32), high = m * p[0] + (middle >> 32);
  std::uint64_t fraction = high << 32 | (middle & 0xffffffffu);
  std::uint32_t n = static_cast<std::uint32_t>(fraction >> 62);
  fraction <<= 2;
  n += static_cast<std::uint32_t>(fraction >> 63);  // to the nearest: the fraction is then signed
  const double r = static_cast<double>(static_cast<std::int64_t>(fraction)) * 0x1.921fb54442d18p-64;
  const bool negative = u >> 31 != 0;
  return {negative ? -r : r, negative ? 0u - n : n};
}

ASSAY_HD Quadrant reduce_far(float x) {
  const Quadrant64 q = reduce_far64(x);
  return {static_cast<float>(q.r), q.n};
}

ASSAY_HD float sin_reduced(float r) {
  const float z = r * r;
  float q = fma_(0x1.6db8acp-19f, z, -0x1.a01396p-13f);
  q = fma_(q, z, 0x1.11110ep-7f);
  q = fma_(q, z, -0x1.555556p-3f);
  return fma_(q * z, r, r);
}

ASSAY_HD float cos_reduced(float r) {
  const float z = r * r;
  float q = fma_(-0x1.2520bap-22f, z, 0x1.a015bap-16f);
  q = fma_(q, z, -0x1.6c16c0p-10f);
  q = fma_(q, z, 0x1.555556p-5f);
  q = fma_(q, z, -0.5f);
  return fma_(q, z, 1.0f);
}

ASSAY_HD float sin_of(const Quadrant& q) {
  const float s = sin_reduced(q.r), c = cos_reduced(q.r);
  return float_of(bits_of(q.n & 1 ? c : s) ^ (q.n & 2) << 30);
}
ASSAY_HD float cos_of(const Quadrant& q) { return sin_of({q.r, q.n + 1}); }

/// The polynomial's tail in fp32, head and quotient in fp64.
ASSAY_HD float tan_of(const Quadrant64& q) {
  const float r = static_cast<float>(q.r), z = r * r;
  float p = fma_(0x1.fa85d8p-9f, z, 0x1.2d47f6p-10f);
  p = fma_(p, z, 0x1.472e32p-7f);
  p = fma_(p, z, 0x1.622278p-6f);
  p = fma_(p, z, 0x1.ba5454p-5f);
  p = fma_(p, z, 0x1.111082p-3f);
  p = fma_(p, z, 0x1.555556p-2f);
  const double t = fma64(static_cast<double>(p * z), q.r, q.r);
  return static_cast<float>((q.n & 1 ? -1.0 : t) / (q.n & 1 ? t : 1.0));
}

ASSAY_HD float sin_near(float x) { return x == 0.0f ? x : sin_of(reduce_near(x)); }
ASSAY_HD float cos_near(float x) { return cos_of(reduce_near(x)); }
ASSAY_HD float tan_near(float x) { return x == 0.0f ? x : tan_of(reduce_near64(x)); }
ASSAY_HD float sin_far(float x) { return is_finite(x) ? sin_of(reduce_far(x)) : nan(); }
ASSAY_HD float cos_far(float x) { return is_finite(x) ? cos_of(reduce_far(x)) : nan(); }
ASSAY_HD float tan_far(float x) { return is_finite(x) ? tan_of(reduce_far64(x)) : nan(); }

ASSAY_HD float sin(float x) { return far_from_zero(x) ? sin_far(x) : sin_near(x); }
ASSAY_HD float cos(float x) { return far_from_zero(x) ? cos_far(x) : cos_near(x); }
ASSAY_HD float tan(float x) { return far_from_zero(x) ? tan_far(x) : tan_near(x); }

/// atan(z) for 0 <= z <= 1.
ASSAY_HD float atan_reduced(float z) {
  const float s = z * z;
  float q = fma_(-0x1.38de56p-9f, s, 0x1.ba9f66p-7f);
  q = fma_(q, s, -0x1.25dc12p-5f);
  q = fma_(q, s, 0x1.0001c6p-4f);
  q = fma_(q, s, -0x1.6295f8p-4f);
  q = fma_(q, s, 0x1.c3f168p-4f);
  q = fma_(q, s, -0x1.246cd2p-3f);
  q = fma_(q, s, 0x1.99983cp-3f);
  q = fma_(q, s, -0x1.555554p-2f);
  return fma_(q * s, z, z);
}

inline constexpr float kHalfPi = 0x1.921fb6p+0f, kHalfPiRest = -0x1.777a5cp-25f;
inline constexpr float kPi = 0x1.921fb6p+1f, kPiRest = -0x1.777a5cp-24f;

ASSAY_HD float atan(float x) {
  const float y = magnitude(x);
  const bool large = y > 1.0f;
  const float t = atan_reduced(large ? 1.0f / y : y);
  return x != x ? x : copysign(large ? kHalfPi - (t - kHalfPiRest) : t, x);
}

/// C99's special values; the quotient of the smaller by the larger is rounded once.
ASSAY_HD float atan2(float y, float x) {
  const float ay = magnitude(y), ax = magnitude(x);
  const float top = ay < ax ? ay : ax, bottom = ay < ax ? ax : ay;
  float q = top / bottom;
  q = bottom == 0.0f ? 0.0f : q;
  q = top == infinity() ? 1.0f : q;
  float t = atan_reduced(q);
  t = ay > ax ? kHalfPi - (t - kHalfPiRest) : t;
  t = has_sign(x) ? kPi - (t - kPiRest) : t;
  return x != x || y != y ? nan() : copysign(t, y);
}

/// (asin(z) - z) / z for z = sqrt(s), 0 <= z <= 1/2.
ASSAY_HD float asin_tail(float s) {
  float q = fma_(0x1.14138cp-5f, s, 0x1.18e1f6p-6f);
  q = fma_(q, s, 0x1.fd921ap-6f);
  q = fma_(q, s, 0x1.6d5b8ep-5f);
  q = fma_(q, s, 0x1.333432p-4f);
  q = fma_(q, s, 0x1.555554p-3f);
  return q * s;
}

inline constexpr double kHalfPi64 = 0x1.921fb54442d18p+0, kPi64 = 0x1.921fb54442d18p+1;

/// asin(|x|) up to 1/2, above it asin(sqrt((1 - |x|) / 2)): a small angle, its head in fp64.
ASSAY_HD double small_angle(float y) {
  const float s = y > 0.5f ? 0.5f * (1.0f - y) : y * y;
  const double z = y > 0.5f ? sqrt64(static_cast<double>(s)) : static_cast<double>(y);
  return fma64(static_cast<double>(asin_tail(s)), z, z);
}

ASSAY_HD float asin(float x) {
  const float y = magnitude(x);
  const double t = small_angle(y);
  return copysign(static_cast<float>(y > 0.5f ? fma64(-2.0, t, kHalfPi64) : t), x);
}

ASSAY_HD float acos(float x) {
  const float y = magnitude(x);
  const double t = small_angle(y), twice = t + t, signed_t = x < 0.0f ? -t : t;
  const double near_one = x < 0.0f ? kPi64 - twice : twice;
  return static_cast<float>(y > 0.5f ? near_one : kHalfPi64 - signed_t);
}

}  // namespace assay::kernels::math
