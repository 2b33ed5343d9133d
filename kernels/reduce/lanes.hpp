// Sixteen fp32 at a time, in as many registers as the variant needs for them. For *.variant.cpp files:
// everything is inlined.
#pragma once

#include "kernels/core/variant.hpp"
#include "kernels/reduce/rules.hpp"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace assay::kernels::ASSAY_VARIANT {

// A register. Wider vectors compile, too, but the compiler takes them apart through memory.
#if defined(__AVX512F__)
#define ASSAY_WIDE 64
#elif defined(__AVX__)
#define ASSAY_WIDE 32
#else
#define ASSAY_WIDE 16
#endif
typedef float Wide __attribute__((vector_size(ASSAY_WIDE)));
typedef std::int32_t WideInts __attribute__((vector_size(ASSAY_WIDE)));
typedef std::uint32_t WideWords __attribute__((vector_size(ASSAY_WIDE)));
typedef std::uint16_t WideHalves __attribute__((vector_size(ASSAY_WIDE / 2)));
typedef float LooseWide __attribute__((vector_size(ASSAY_WIDE), aligned(4), may_alias));
typedef std::uint16_t LooseWideHalves __attribute__((vector_size(ASSAY_WIDE / 2), aligned(2), may_alias));
typedef std::uint32_t LooseWidePairs __attribute__((vector_size(ASSAY_WIDE), aligned(2), may_alias));
#undef ASSAY_WIDE
typedef float Lanes8 __attribute__((vector_size(32)));
typedef float Lanes4 __attribute__((vector_size(16)));

inline constexpr int kLanes = 16, kWide = sizeof(Wide) / sizeof(float), kParts = kLanes / kWide;

struct Lanes {
  Wide part[kParts];
};

#define ASSAY_LANES static inline __attribute__((always_inline))
#define ASSAY_PARTS _Pragma("GCC unroll 4") for (int i = 0; i < kParts; ++i)

ASSAY_LANES Wide wide_from(const float* p) { return *reinterpret_cast<const LooseWide*>(p); }
ASSAY_LANES Wide wide_from(const std::uint16_t* p) {
  const WideHalves half = *reinterpret_cast<const LooseWideHalves*>(p);
  return (Wide)(__builtin_convertvector(half, WideWords) << 16);
}
ASSAY_LANES void store_wide(float* p, const Wide& v) { *reinterpret_cast<LooseWide*>(p) = v; }
/// Not Wide{} + x: that loses the sign of -0.
ASSAY_LANES Wide wide_of(float x) {
#if defined(__AVX512F__)
  return (Wide)_mm512_set1_ps(x);
#elif defined(__AVX__)
  return Wide{x, x, x, x, x, x, x, x};
#else
  return Wide{x, x, x, x};
#endif
}

template <typename T>
ASSAY_LANES void load_lanes(Lanes& v, const T* p) {
  ASSAY_PARTS v.part[i] = wide_from(p + i * kWide);
}

/// bf16 in the order that is read with the fewest instructions: of each two registers the first has the even
/// elements, the second the odd ones. fp32, and a register of sixteen, are as they lie. `as_read` and
/// `as_laid` turn one order into the other for elements that came from a T*.
template <typename T>
ASSAY_LANES void read_lanes(Lanes& v, const T* p) {
  if constexpr (sizeof(T) == 2 && kParts > 1) {
#pragma GCC unroll 2
    for (int i = 0; i < kParts; i += 2) {
      const WideWords pairs = *reinterpret_cast<const LooseWidePairs*>(p + i * kWide);
      v.part[i] = (Wide)(pairs << 16);
      v.part[i + 1] = (Wide)(pairs & 0xffff0000u);
    }
  } else {
    load_lanes(v, p);
  }
}
#if defined(__AVX512F__)
template <typename T>
ASSAY_LANES void as_read(Lanes&) {}
template <typename T>
ASSAY_LANES void as_laid(Lanes&) {}
#else
#if defined(__AVX__)
#define ASSAY_EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ASSAY_ODD 1, 3, 5, 7, 9, 11, 13, 15
#define ASSAY_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define ASSAY_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define ASSAY_EVEN 0, 2, 4, 6
#define ASSAY_ODD 1, 3, 5, 7
#define ASSAY_LOW 0, 4, 1, 5
#define ASSAY_HIGH 2, 6, 3, 7
#endif
template <typename T>
ASSAY_LANES void as_read(Lanes& v) {
  if constexpr (sizeof(T) == 2)
#pragma GCC unroll 2
    for (int i = 0; i < kParts; i += 2) {
      const Wide even = __builtin_shufflevector(v.part[i], v.part[i + 1], ASSAY_EVEN);
      v.part[i + 1] = __builtin_shufflevector(v.part[i], v.part[i + 1], ASSAY_ODD);
      v.part[i] = even;
    }
}
template <typename T>
ASSAY_LANES void as_laid(Lanes& v) {
  if constexpr (sizeof(T) == 2)
#pragma GCC unroll 2
    for (int i = 0; i < kParts; i += 2) {
      const Wide low = __builtin_shufflevector(v.part[i], v.part[i + 1], ASSAY_LOW);
      v.part[i + 1] = __builtin_shufflevector(v.part[i], v.part[i + 1], ASSAY_HIGH);
      v.part[i] = low;
    }
}
#undef ASSAY_EVEN
#undef ASSAY_ODD
#undef ASSAY_LOW
#undef ASSAY_HIGH
#endif
ASSAY_LANES void store_lanes(float* p, const Lanes& v) { ASSAY_PARTS store_wide(p + i * kWide, v.part[i]); }
ASSAY_LANES void spread(Lanes& v, float x) { ASSAY_PARTS v.part[i] = wide_of(x); }

ASSAY_LANES float widened(float x) { return x; }
ASSAY_LANES float widened(std::uint16_t x) { return from_bf16(x); }

/// p[first] and what follows, of which there are `count` from p on; the others 0.
template <typename T>
ASSAY_LANES Wide some_from(const T* p, std::int64_t first, std::int64_t count) {
  float t[kWide] = {};
  for (int i = 0; i < kWide; ++i)
    if (first + i < count) t[i] = widened(p[first + i]);
  return wide_from(t);
}
#if defined(__AVX512F__)
ASSAY_LANES __mmask16 lanes_there(std::int64_t first, std::int64_t count) {
  return static_cast<__mmask16>(first + kWide <= count ? 0xffffU
                                : first < count        ? (1U << (count - first)) - 1U
                                                       : 0U);
}
ASSAY_LANES Wide some_from(const float* p, std::int64_t first, std::int64_t count) {
  return (Wide)_mm512_maskz_loadu_ps(lanes_there(first, count), p + first);
}
ASSAY_LANES Wide some_from(const std::uint16_t* p, std::int64_t first, std::int64_t count) {
  const __m256i half = _mm256_maskz_loadu_epi16(lanes_there(first, count), p + first);
  return (Wide)_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16);
}
#elif defined(__AVX2__)
ASSAY_LANES Wide some_from(const float* p, std::int64_t first, std::int64_t count) {
  const WideInts lane = {0, 1, 2, 3, 4, 5, 6, 7};
  const auto from = static_cast<std::int32_t>(first), there = static_cast<std::int32_t>(count);
  return (Wide)_mm256_maskload_ps(p + first, (__m256i)(lane + from < there));
}
#endif

/// The first `count` of the lanes from memory, the others 0.
template <typename T>
ASSAY_LANES void load_some(Lanes& v, const T* p, std::int64_t count) {
  ASSAY_PARTS v.part[i] = some_from(p, i * kWide, count);
}

/// Bit i: the sign of lane i.
ASSAY_LANES unsigned signs_of(const Lanes& v) {
  unsigned out = 0;
#if defined(__AVX512F__)
  out = _mm512_movepi32_mask((__m512i)v.part[0]);
#elif defined(__AVX__)
  ASSAY_PARTS out |= static_cast<unsigned>(_mm256_movemask_ps((__m256)v.part[i])) << (i * kWide);
#else
  for (int i = 0; i < kLanes; ++i)
    out |= static_cast<unsigned>(bits_of(v.part[i / kWide][i % kWide]) >> 31) << i;
#endif
  return out;
}

/// `other` in place of lanes [count, 16).
ASSAY_LANES void replace_from(Lanes& v, std::int64_t count, float other) {
  WideInts lane = {};
  for (int i = 0; i < kWide; ++i) lane[i] = i;
  const auto there = static_cast<std::int32_t>(count);
  ASSAY_PARTS v.part[i] = (Wide)(lane + i * kWide < there ? (WideInts)v.part[i] : (WideInts)wide_of(other));
}

}  // namespace assay::kernels::ASSAY_VARIANT
