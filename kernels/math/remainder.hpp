// Remainders and quotients that round. fmod is exact.
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

/// Whether |x / y| is small enough for fmod_near. The CPU loops ask once a block: what is near is vector
/// code.
ASSAY_HD bool far_apart(float x, float y) { return !(magnitude(x) <= magnitude(y) * 0x1p+28f); }

/// The quotient fits 28 bits, so fp64 has the remainder exactly; a quotient that was rounded up is set right.
ASSAY_HD float fmod_near(float x, float y) {
  const double a = magnitude(x), b = magnitude(y);
  double r = fma64(-trunc64(a / b), b, a);
  r = r < 0.0 ? r + b : r;
  const float m = copysign(static_cast<float>(r), x);
  return a < b ? x : m;
}

/// Integer long division of the significands.
ASSAY_HD float fmod_far(float x, float y) {
  if (!is_finite(x) || y != y || y == 0.0f) return nan();
  if (magnitude(x) < magnitude(y)) return x;
  const Parts a = parts_of(x), b = parts_of(y);
  std::uint64_t r = a.significand % b.significand;
  for (std::int32_t shift = a.exponent - b.exponent; shift > 0; shift -= 40)
    r = (r << (shift < 40 ? shift : 40)) % b.significand;
  return copysign(scale(static_cast<float>(static_cast<std::uint32_t>(r)), b.exponent - 150), x);
}

/// x - trunc(x / y) y, exactly; the sign of x. NaN for an infinite x and for y = 0.
ASSAY_HD float fmod(float x, float y) { return far_apart(x, y) ? fmod_far(x, y) : fmod_near(x, y); }

/// Of a remainder m of x by y whether Python's differs: its sign is y's.
ASSAY_HD bool turns(float m, float y) { return (m != 0.0f) & ((y < 0.0f) != (m < 0.0f)); }

/// Python's remainder from m = fmod(x, y).
ASSAY_HD float remainder_from(float m, float y) {
  const float other = m + y;
  return turns(m, y) ? other : m;
}
ASSAY_HD float remainder(float x, float y) { return remainder_from(fmod(x, y), y); }

/// Python's floor division from m = fmod(x, y): (x - m) / y, one less where signs differ, to the nearest
/// whole number.
ASSAY_HD float floor_divide_from(float m, float x, float y) {
  const float plain = x / y;
  float q = (x - m) / y;
  q = q - (turns(m, y) ? 1.0f : 0.0f);
  const float whole = floor(q), more = whole + 1.0f;
  float r = q - whole > 0.5f ? more : whole;
  r = q == 0.0f ? copysign(0.0f, plain) : r;
  return y == 0.0f ? plain : r;
}
ASSAY_HD float floor_divide(float x, float y) { return floor_divide_from(fmod(x, y), x, y); }

}  // namespace assay::kernels::math
