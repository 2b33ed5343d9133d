// The largest or smallest of fp32 numbers by three bounds of their bits, for *.variant.cpp files: two thirds
// of the instructions that a key for each element takes.
#pragma once

#include <type_traits>

#include "kernels/reduce/sums.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

/// Bits as signed numbers order numbers that are not negative, as unsigned ones those that are. Which of the
/// three bounds is a NaN, and which is the extreme, is seen at the end.
struct Bounds {
  Lanes high;  ///< the largest, signed
  Lanes top;   ///< the largest, unsigned
  Lanes low;   ///< the smallest, unsigned

  ASSAY_LANES void begin(Bounds& b) {
    spread(b.high, float_of(0x80000000u));
    spread(b.top, 0.0f);
    spread(b.low, float_of(0xffffffffu));
  }
  ASSAY_LANES void take(Bounds& b, const Lanes& v) {
    ASSAY_PARTS {
#if defined(__AVX2__) && !defined(__AVX512F__)
      const auto bits = (__m256i)v.part[i];
      b.high.part[i] = (Wide)_mm256_max_epi32((__m256i)b.high.part[i], bits);
      b.top.part[i] = (Wide)_mm256_max_epu32((__m256i)b.top.part[i], bits);
      b.low.part[i] = (Wide)_mm256_min_epu32((__m256i)b.low.part[i], bits);
#else
      const auto bits = (WideInts)v.part[i], high = (WideInts)b.high.part[i];
      const auto words = (WideWords)v.part[i], top = (WideWords)b.top.part[i], low = (WideWords)b.low.part[i];
      b.high.part[i] = (Wide)(bits > high ? bits : high);
      b.top.part[i] = (Wide)(words > top ? words : top);
      b.low.part[i] = (Wide)(words < low ? words : low);
#endif
    }
  }
  /// A key for each lane, as LargestOrder and SmallestOrder give it. kOneZero: -0 is +0.
  template <typename Map, bool kOneZero>
  ASSAY_LANES void keys(const Bounds& b, Lanes& out) {
    constexpr bool kLargest = std::is_same_v<Map, LargestOrder>;
    constexpr std::int32_t kNan = kLargest ? 0x7fffffff : -0x7fffffff - 1;
    ASSAY_PARTS {
      const auto high = (WideInts)b.high.part[i], top = (WideInts)b.top.part[i],
                 low = (WideInts)b.low.part[i];
      const WideInts nan = ((WideWords)top > 0xff800000u) | (high > 0x7f800000);
      WideInts bits;
      if constexpr (kLargest)
        bits = high >= 0 ? high : low;
      else
        bits = top < 0 ? top : low;
      if constexpr (kOneZero) bits = (WideWords)bits == 0x80000000u ? WideInts{} : bits;
      const WideInts key = bits ^ ((bits >> 31) & 0x7fffffff);
      out.part[i] = (Wide)(nan ? WideInts{} + kNan : key);
    }
  }
};

/// The key of the extreme of `count` > 0 elements.
template <typename O, bool kOneZero, typename T>
ASSAY_LANES float extreme_key(const T* x, std::int64_t count) {
  Bounds bounds;
  Bounds::begin(bounds);
  Lanes v;
  std::int64_t at = 0;
  for (; at + kLanes <= count; at += kLanes) {
    load_lanes(v, x + at);
    Bounds::take(bounds, v);
  }
  if (at < count) {
    load_some(v, x + at, count - at);
    replace_from(v, count - at, widened(x[at]));
    Bounds::take(bounds, v);
  }
  Bounds::keys<typename O::Map, kOneZero>(bounds, v);
  return halved<O>(v);
}

template <typename O>
inline constexpr bool is_extreme_op =
    std::is_same_v<typename O::Map, LargestOrder> || std::is_same_v<typename O::Map, SmallestOrder>;

}  // namespace

}  // namespace assay::kernels::ASSAY_VARIANT
