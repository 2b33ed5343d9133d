// From words to values (docs/determinism.md, R6): this source is the rule. Plain products and sums, no fma
// and no library function: Taylor series short of fp32's rounding by the last term's bound, so nothing was
// fitted.
#pragma once

#include "kernels/core/hd.hpp"

namespace assay::kernels {

/// [0, 1), a multiple of 2^-24.
ASSAY_HD float unit24(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24F; }
/// [0, 1), a multiple of 2^-8: what bf16 holds exactly.
ASSAY_HD float unit8(std::uint32_t word) { return static_cast<float>(word >> 24) * 0x1p-8F; }
/// (0, 1), odd multiples of 2^-24.
ASSAY_HD float open_unit(std::uint32_t word) { return (static_cast<float>(word >> 9) + 0.5F) * 0x1p-23F; }
/// [2^-33, 1], all 32 bits.
ASSAY_HD float half_open_unit(std::uint32_t word) { return static_cast<float>(word) * 0x1p-32F + 0x1p-33F; }

/// log of a normal number in (0, 1]: u = 2^e m with m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m + 1),
/// log m = 2 s (1 + s^2/3 + s^4/5 + s^6/7 + s^8/9); |s| < 0.1716, so what is left out is below 1e-9.
ASSAY_HD float log_unit(float u) {
  const std::uint32_t bits = bits_of(u) - 0x3f3504f3U;  // of sqrt(1/2)
  const auto e = static_cast<float>(static_cast<std::int32_t>(bits) >> 23);
  const float m = float_of((bits & 0x007fffffU) + 0x3f3504f3U);
  const float s = (m - 1.0F) / (m + 1.0F);
  const float z = s * s;
  const float tail = z * (0x1.555556p-2F + z * (0x1.99999ap-3F + z * (0x1.24924ap-3F + z * 0x1.c71c72p-4F)));
  const float t = s + s;
  return e * 0x1.62e43p-1F + (t + (t * tail + e * -0x1.05c61p-29F));
}

struct Pair {
  float first, second;
};

/// cos and sin of the angle word / 2^32 turns: the nearest quarter turn is taken off exactly, Taylor to x^10
/// and x^9.
ASSAY_HD Pair cos_sin_turns(std::uint32_t word) {
  const std::uint32_t quarter = (word + 0x20000000U) >> 30;
  const auto rest = static_cast<std::int32_t>(word - (quarter << 30));
  const float x = static_cast<float>(rest) * 0x1.921fb6p-30F;  // pi/2 * 2^-30
  const float z = x * x;
  const float sine =
      x + x * (z * (-0x1.555556p-3F + z * (0x1.111112p-7F + z * (-0x1.a01a02p-13F + z * 0x1.71de3ap-19F))));
  const float cosine =
      1.0F + z * (-0.5F + z * (0x1.555556p-5F +
                               z * (-0x1.6c16c2p-10F + z * (0x1.a01a02p-16F + z * -0x1.27e4fcp-22F))));
  const bool odd = (quarter & 1) != 0;
  const float c = odd ? sine : cosine, s = odd ? cosine : sine;
  const bool minus_c = ((quarter + 1) & 2) != 0, minus_s = (quarter & 2) != 0;
  return Pair{minus_c ? -c : c, minus_s ? -s : s};
}

#if defined(__CUDA_ARCH__)
#define ASSAY_ROOT(x) __fsqrt_rn(x)
#else
#define ASSAY_ROOT(x) __builtin_sqrtf(x)
#endif

/// Two independent N(0, 1) values by Box and Muller.
ASSAY_HD Pair normal_pair(std::uint32_t first, std::uint32_t second) {
  const float radius = ASSAY_ROOT(-2.0F * log_unit(half_open_unit(first)));
  const Pair direction = cos_sin_turns(second);
  return Pair{radius * direction.first, radius * direction.second};
}
#undef ASSAY_ROOT

/// Exponential with rate 1, above 0.
ASSAY_HD float exponential_of(std::uint32_t word) { return 0.0F - log_unit(open_unit(word)); }

/// floor(W * range / 2^64) for the 64 bits W = second:first; range 0 stands for 2^64.
ASSAY_HD std::uint64_t integer_below(std::uint32_t first, std::uint32_t second, std::uint64_t range) {
  if (range == 0) return std::uint64_t{second} << 32 | first;
  const std::uint64_t r0 = static_cast<std::uint32_t>(range), r1 = range >> 32;
  const std::uint64_t middle = (std::uint64_t{first} * r0 >> 32) + std::uint64_t{second} * r0;  // below 2^64
  const std::uint64_t low = static_cast<std::uint32_t>(middle) + std::uint64_t{first} * r1;
  return std::uint64_t{second} * r1 + (middle >> 32) + (low >> 32);
}

}  // namespace assay::kernels
