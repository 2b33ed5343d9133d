// Sixteen fp32 at a time, lowered by the compiler to what the variant has. For *.variant.cpp files:
// everything is inlined.
#pragma once

#include "kernels/core/variant.hpp"
#include "kernels/reduce/rules.hpp"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace assay::kernels::ASSAY_VARIANT {

typedef float Lanes __attribute__((vector_size(64)));
typedef std::int32_t IntLanes __attribute__((vector_size(64)));
typedef float LooseLanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef std::uint16_t HalfLanes __attribute__((vector_size(32)));
typedef std::uint16_t LooseHalves __attribute__((vector_size(32), aligned(2), may_alias));
typedef std::uint32_t WordLanes __attribute__((vector_size(64)));
typedef float Lanes8 __attribute__((vector_size(32)));
typedef float Lanes4 __attribute__((vector_size(16)));

inline constexpr int kLanes = 16;

#define ASSAY_LANES static inline __attribute__((always_inline))

ASSAY_LANES void load_lanes(Lanes& v, const float* p) { v = *reinterpret_cast<const LooseLanes*>(p); }
ASSAY_LANES void load_lanes(Lanes& v, const std::uint16_t* p) {
  const HalfLanes half = *reinterpret_cast<const LooseHalves*>(p);
  v = (Lanes)(__builtin_convertvector(half, WordLanes) << 16);
}
ASSAY_LANES void store_lanes(float* p, const Lanes& v) { *reinterpret_cast<LooseLanes*>(p) = v; }

ASSAY_LANES float widened(float x) { return x; }
ASSAY_LANES float widened(std::uint16_t x) { return from_bf16(x); }

#if defined(__AVX512F__)
/// The first `count` < 16 of the lanes from memory, the others `other`.
ASSAY_LANES void load_some(Lanes& v, const float* p, std::int64_t count, float other) {
  const auto mask = static_cast<__mmask16>((1U << count) - 1U);
  v = (Lanes)_mm512_mask_loadu_ps(_mm512_set1_ps(other), mask, p);
}
ASSAY_LANES void load_some(Lanes& v, const std::uint16_t* p, std::int64_t count, float other) {
  const auto mask = static_cast<__mmask16>((1U << count) - 1U);
  const __m512i wide = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, p)), 16);
  v = (Lanes)_mm512_mask_mov_ps(_mm512_set1_ps(other), mask, _mm512_castsi512_ps(wide));
}
#else
/// The first `count` < 16 of the lanes from memory, the others `other`.
template <typename T>
ASSAY_LANES void load_some(Lanes& v, const T* p, std::int64_t count, float other) {
  float t[kLanes];
  for (int i = 0; i < kLanes; ++i) t[i] = other;
  for (std::int64_t i = 0; i < count; ++i) t[i] = widened(p[i]);
  load_lanes(v, t);
}

#endif

/// Not Lanes{} + x: that loses the sign of -0.
ASSAY_LANES void spread(Lanes& v, float x) { v = Lanes{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }

}  // namespace assay::kernels::ASSAY_VARIANT
