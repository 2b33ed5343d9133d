// pow as C99 has it: 2^(y log2 |x|) through fp64 (about 40 bits), rounded once to fp32. Without branches.
#pragma once

#include "kernels/math/wide.hpp"

namespace assay::kernels::math {

ASSAY_HD bool is_whole(float y) { return trunc(y) == y; }
ASSAY_HD bool is_odd(float y) { return is_whole(y) & !is_whole(0.5f * y); }

ASSAY_HD float pow(float x, float y) {
  const float ax = magnitude(x);
  const bool inner = (ax > 0.0f) & (ax < infinity());
  double l = log2_64(static_cast<double>(inner ? ax : 1.0f));
  l = ax == 0.0f ? -2000.0 : l;
  l = ax == infinity() ? 2000.0 : l;
  double t = l * static_cast<double>(y);
  t = l == 0.0 ? 0.0 : t;  // |x| = 1, whatever y
  t = t > 1000.0 ? 1000.0 : t;
  t = t < -1000.0 ? -1000.0 : t;
  float r = static_cast<float>(exp2_64(t));
  // 0 and infinity are ends of their own, however small y is.
  const bool grows = (ax > 1.0f) == (y > 0.0f);
  r = inner ? r : grows ? infinity() : 0.0f;
  r = has_sign(x) & is_odd(y) ? -r : r;
  r = (x < 0.0f) & inner & !is_whole(y) ? nan() : r;
  r = (x != x) | (y != y) ? nan() : r;
  return (x == 1.0f) | (y == 0.0f) ? 1.0f : r;
}

/// Exact in fp64 up to one rounding of the sum, one of the root and one to fp32.
ASSAY_HD float hypot(float a, float b) {
  const double x = a, y = b;
  const float r = static_cast<float>(sqrt64(fma64(x, x, y * y)));
  return is_infinite(a) || is_infinite(b) ? infinity() : r;
}

}  // namespace assay::kernels::math
