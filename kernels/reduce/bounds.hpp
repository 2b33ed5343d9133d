// The largest or smallest of numbers by bounds of their bits, for *.variant.cpp files: a quarter of the
// instructions that a key for each element takes.
#pragma once

#include <type_traits>

#include "kernels/reduce/sums.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

/// Bits as signed numbers order numbers that are not negative, as unsigned ones those that are. Which bound
/// is the extreme, and whether one of them is a NaN, is seen at the end. The same lane of two bounds may have
/// seen other elements: all of them are the block's, and its extreme is in one of the lanes.
struct Bounds {
  Lanes high;  ///< the largest, signed
  Lanes top;   ///< the largest, unsigned
  Lanes low;   ///< the smallest, unsigned

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
  /// Whether `low` is asked for: for the largest by a lane whose elements all have the sign, for the smallest
  /// by one of which none has it.
  template <typename Map>
  ASSAY_LANES bool want_low(const Bounds& b) {
    if constexpr (std::is_same_v<Map, LargestOrder>)
      return signs_of(b.high) != 0;
    else
      return signs_of(b.top) != (1U << kLanes) - 1U;
  }
};

#if defined(__AVX2__) && !defined(__AVX512F__)
ASSAY_LANES Wide topmost(const Wide& a, const Wide& b) {
  return (Wide)_mm256_max_epu32((__m256i)a, (__m256i)b);
}
ASSAY_LANES Wide lowest(const Wide& a, const Wide& b) {
  return (Wide)_mm256_min_epu32((__m256i)a, (__m256i)b);
}
#else
ASSAY_LANES Wide topmost(const Wide& a, const Wide& b) {
  return (Wide)((WideWords)a > (WideWords)b ? (WideWords)a : (WideWords)b);
}
ASSAY_LANES Wide lowest(const Wide& a, const Wide& b) {
  return (Wide)((WideWords)a < (WideWords)b ? (WideWords)a : (WideWords)b);
}
#endif

/// Calls f with sixteen elements at a time; what is missing of the last sixteen is their first once more.
template <typename T, typename F>
ASSAY_LANES void each_lanes(const T* x, std::int64_t count, F&& f) {
  Lanes v;
  std::int64_t at = 0;
  for (; at + kLanes <= count; at += kLanes) {
    load_lanes(v, x + at);
    f(v);
  }
  if (at == count) return;
  load_some(v, x + at, count - at);
  replace_from(v, count - at, widened(x[at]));
  f(v);
}

template <typename T>
ASSAY_LANES void bound_above(Bounds& b, const T* x, std::int64_t count) {
  spread(b.high, float_of(0x80000000u));
  spread(b.top, 0.0f);
  each_lanes(
      x, count, [&](const Lanes& v) __attribute__((always_inline)) {
        ASSAY_PARTS Largest::join(b.high.part[i], v.part[i]);
        ASSAY_PARTS b.top.part[i] = topmost(b.top.part[i], v.part[i]);
      });
}
template <typename T>
ASSAY_LANES void bound_below(Bounds& b, const T* x, std::int64_t count) {
  spread(b.low, float_of(0xffffffffu));
  each_lanes(
      x, count, [&](const Lanes& v) __attribute__((always_inline)) {
        ASSAY_PARTS b.low.part[i] = lowest(b.low.part[i], v.part[i]);
      });
}

#if defined(__AVX2__)
/// bf16 need not be widened before the end.
ASSAY_LANES void bound_above(Bounds& b, const std::uint16_t* x, std::int64_t count) {
  if (count < kLanes) return bound_above<std::uint16_t>(b, x, count);
  __m256i high = _mm256_set1_epi16(-0x8000), top = _mm256_setzero_si256();
  // The last sixteen may be there twice.
  for (std::int64_t at = 0; at < count; at += kLanes) {
    const std::int64_t from = at + kLanes <= count ? at : count - kLanes;
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + from));
    high = _mm256_max_epi16(high, v), top = _mm256_max_epu16(top, v);
  }
  alignas(32) std::uint16_t lanes[2][kLanes];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes[0]), high);
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes[1]), top);
  load_lanes(b.high, lanes[0]);
  load_lanes(b.top, lanes[1]);
}
#endif

/// Keys of `count` > 0 elements, joined down to sixteen.
template <typename O, bool kOneZero, typename T>
ASSAY_LANES void extreme_lanes(Lanes& keys, const T* x, std::int64_t count) {
  Bounds bounds;
  bound_above(bounds, x, count);
  spread(bounds.low, 0.0f);
  if (Bounds::want_low<typename O::Map>(bounds)) bound_below(bounds, x, count);
  Bounds::keys<typename O::Map, kOneZero>(bounds, keys);
}

/// The key of their extreme.
template <typename O, bool kOneZero, typename T>
ASSAY_LANES float extreme_key(const T* x, std::int64_t count) {
  Lanes keys;
  extreme_lanes<O, kOneZero>(keys, x, count);
  return halved<O>(keys);
}

template <typename O>
inline constexpr bool is_extreme_op =
    std::is_same_v<typename O::Map, LargestOrder> || std::is_same_v<typename O::Map, SmallestOrder>;

}  // namespace

}  // namespace assay::kernels::ASSAY_VARIANT
