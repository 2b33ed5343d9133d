// log, log2, log10, log1p in fp32, without branches. x = 2^k m with m in [2/3, 4/3); log(m) from a polynomial
// in f = m - 1; k log(2) is added in two parts.
#pragma once

#include "kernels/math/basic.hpp"

namespace assay::kernels::math {

/// log(1 + f) - f for -1/3 <= f < 1/3.
ASSAY_HD float log_tail(float f) {
  float q = fma_(0x1.cfefbap-4f, f, -0x1.fcd77cp-4f);
  q = fma_(q, f, 0x1.bf2360p-4f);
  q = fma_(q, f, -0x1.f75760p-4f);
  q = fma_(q, f, 0x1.24b24ap-3f);
  q = fma_(q, f, -0x1.55783ap-3f);
  q = fma_(q, f, 0x1.999956p-3f);
  q = fma_(q, f, -0x1.ffffb6p-3f);
  q = fma_(q, f, 0x1.555556p-2f);
  q = fma_(q, f, -0.5f);
  return q * (f * f);
}

/// x = 2^k (1 + f) for finite x > 0.
struct Split {
  float f, k;
};
ASSAY_HD Split split(float x) {
  const bool tiny = x < 0x1p-126f;
  const std::uint32_t u = bits_of(tiny ? x * 0x1p+24f : x);
  const std::uint32_t exponent = (u - 0x3f2aaaabu) & 0xff800000u;  // of two thirds
  const std::int32_t k = static_cast<std::int32_t>(exponent) >> 23;
  return {float_of(u - exponent) - 1.0f, number_of(k - (tiny ? 24 : 0))};
}

/// The special values of every logarithm: NaN below 0, -inf at 0, +inf at +inf.
ASSAY_HD float finish_log(float x, float y) {
  y = x < infinity() ? y : x;  // +inf and NaN
  y = x < 0.0f ? nan() : y;
  return x == 0.0f ? -infinity() : y;
}

ASSAY_HD float log(float x) {
  const Split s = split(x);
  const float low = fma_(s.k, 0x1.7f7d1cp-20f, log_tail(s.f)) + s.f;
  return finish_log(x, fma_(s.k, 0x1.62e400p-1f, low));
}

ASSAY_HD float log2(float x) {
  const Split s = split(x);
  const float low = fma_(log_tail(s.f), 0x1.715476p+0f, s.f * 0x1.4ae0c0p-26f);
  return finish_log(x, fma_(s.f, 0x1.715476p+0f, low) + s.k);
}

ASSAY_HD float log10(float x) {
  const Split s = split(x);
  const float low = fma_(log_tail(s.f), 0x1.bcb7b2p-2f, fma_(s.f, -0x1.5b235ep-27f, s.k * 0x1.3509f8p-18f));
  return finish_log(x, fma_(s.k, 0x1.344000p-2f, fma_(s.f, 0x1.bcb7b2p-2f, low)));
}

/// 1 + x = 2^k (1 + f): f comes from x itself, so nothing of a small x is lost. x >= 0 or NaN.
ASSAY_HD float log1p_nonnegative(float x) {
  const float u = 1.0f + x;
  const std::uint32_t exponent = (bits_of(u) - 0x3f2aaaabu) & 0xff800000u;
  const std::int32_t k = static_cast<std::int32_t>(exponent) >> 23;
  const float scaled = k == 0 ? x : float_of(bits_of(x) - exponent);
  const float f = scaled + (power_of_two(k > 126 ? -126 : -k) - 1.0f);
  const float whole = number_of(k);
  const float low = fma_(whole, 0x1.7f7d1cp-20f, log_tail(f)) + f;
  float y = fma_(whole, 0x1.62e400p-1f, low);
  y = x < infinity() ? y : x;
  return magnitude(x) < 0x1p-30f ? x : y;
}

ASSAY_HD float log1p(float x) {
  float y = log1p_nonnegative(x);
  y = x < -1.0f ? nan() : y;
  return x == -1.0f ? -infinity() : y;
}

}  // namespace assay::kernels::math
