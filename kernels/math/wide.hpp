// 2^t, e^t and log in fp64, about 45 bits: what pow and a few rare functions are made of. Without branches;
// for the ranges that fp32 arguments give (no subnormal fp64, no overflow).
#pragma once

#include "kernels/math/basic.hpp"

namespace assay::kernels::math {

/// 2^t for |t| <= 1000.
ASSAY_HD double exp2_64(double t) {
  const double shifted = t + 6755399441055744.0;  // 1.5 * 2^52
  const double f = t - (shifted - 6755399441055744.0);
  double q = fma64(0x1.b6389cdbfb73fp-24, f, 0x1.63d1523780311p-20);
  q = fma64(q, f, 0x1.ffcb95007c66cp-17);
  q = fma64(q, f, 0x1.4308ac70a8e77p-13);
  q = fma64(q, f, 0x1.5d87fe8702f22p-10);
  q = fma64(q, f, 0x1.3b2ab71824365p-7);
  q = fma64(q, f, 0x1.c6b08d7047e44p-5);
  q = fma64(q, f, 0x1.ebfbdff823cb5p-3);
  q = fma64(q, f, 0x1.62e42fefa39efp-1);
  return fma64(q, f, 1.0) * float64_of((bits64(shifted) + 1023) << 52);
}

ASSAY_HD double exp64(double x) { return exp2_64(x * 0x1.71547652b82fep+0); }

/// log2(x) for a normal x > 0: m in [2/3, 4/3), s = (m - 1) / (m + 1), 2 atanh(s) / ln2.
ASSAY_HD double log2_64(double x) {
  const std::uint64_t u = bits64(x);
  const std::uint64_t exponent = (u - 0x3fe5555555555555u) & 0xfff0000000000000u;
  // The exponent's 12 bits as a number: below 2^52 the low bits of an fp64 are an integer.
  const double k = float64_of(((exponent >> 52) ^ 0x800u) | 0x4330000000000000u) - (0x1p52 + 2048.0);
  const double m = float64_of(u - exponent);
  const double s = (m - 1.0) / (m + 1.0), z = s * s;
  double q = fma64(0x1.3b2bf147ffd49p-3, z, 0x1.3842844aee317p-3);
  q = fma64(q, z, 0x1.7475db3edaf68p-3);
  q = fma64(q, z, 0x1.c71bf9de322edp-3);
  q = fma64(q, z, 0x1.249249c1bb436p-2);
  q = fma64(q, z, 0x1.99999998cfac8p-2);
  q = fma64(q, z, 0x1.555555555586bp-1);
  q = fma64(q, z, 2.0);
  return fma64(q * s, 0x1.71547652b82fep+0, k);
}

ASSAY_HD double log64(double x) { return log2_64(x) * 0x1.62e42fefa39efp-1; }

}  // namespace assay::kernels::math
