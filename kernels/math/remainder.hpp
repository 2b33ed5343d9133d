// Remainders and quotients that round. fmod is exact: integer long division of the significands.
#pragma once

#include "kernels/math/exponential.hpp"

namespace assay::kernels::math {

/// |x| = significand * 2^(exponent - 150).
struct Parts {
  std::uint32_t significand;
  std::int32_t exponent;
};
ASSAY_HD Parts parts_of(float x) {
  const std::uint32_t u = bits_of(x) & 0x7fffffffu;
  const bool normal = u >= 0x00800000u;
  return {normal ? (u & 0x7fffffu) | 0x800000u : u, normal ? static_cast<std::int32_t>(u >> 23) : 1};
}

/// x - trunc(x / y) y, exactly; the sign of x. NaN for an infinite x and for y = 0.
ASSAY_HD float fmod(float x, float y) {
  if (!is_finite(x) || y != y || y == 0.0f) return nan();
  if (magnitude(x) < magnitude(y)) return x;
  const Parts a = parts_of(x), b = parts_of(y);
  std::uint64_t r = a.significand % b.significand;
  for (std::int32_t shift = a.exponent - b.exponent; shift > 0; shift -= 40)
    r = (r << (shift < 40 ? shift : 40)) % b.significand;
  return copysign(scale(static_cast<float>(static_cast<std::uint32_t>(r)), b.exponent - 150), x);
}

/// Python's: the sign of y.
ASSAY_HD float remainder(float x, float y) {
  const float m = fmod(x, y);
  return m != 0.0f && (y < 0.0f) != (m < 0.0f) ? m + y : m;
}

/// Python's floor division: (x - fmod(x, y)) / y, one less where signs differ, to the nearest whole number.
ASSAY_HD float floor_divide(float x, float y) {
  if (y == 0.0f) return x / y;
  const float m = fmod(x, y);
  float q = (x - m) / y;
  if (m != 0.0f && (y < 0.0f) != (m < 0.0f)) q -= 1.0f;
  if (q == 0.0f) return copysign(0.0f, x / y);
  const float whole = floor(q);
  return q - whole > 0.5f ? whole + 1.0f : whole;
}

}  // namespace assay::kernels::math
