// One vector type for the three levels of gemm.variant.cpp. Included by variant files alone; internal linkage
// throughout.
#pragma once

#include "kernels/core/hd.hpp"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace assay::kernels::ASSAY_VARIANT {
namespace {

#if defined(__AVX512F__)

constexpr int kWidth = 16, kRows = 14, kVectors = 2;
using Vector = __m512;
using Mask = __mmask16;

ASSAY_HD Mask mask_of(int lanes) { return static_cast<Mask>((1U << lanes) - 1U); }
ASSAY_HD Vector zero() { return _mm512_setzero_ps(); }
ASSAY_HD Vector load(const float* p) { return _mm512_loadu_ps(p); }
ASSAY_HD Vector load(const float* p, Mask mask) { return _mm512_maskz_loadu_ps(mask, p); }
ASSAY_HD Vector load(const std::uint16_t* p, Mask mask) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, p)), 16));
}
ASSAY_HD void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
ASSAY_HD void store(float* p, Vector v, Mask mask) { _mm512_mask_storeu_ps(p, mask, v); }
ASSAY_HD Vector broadcast(float x) { return _mm512_set1_ps(x); }
ASSAY_HD Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
ASSAY_HD Vector one_nan(Vector v) {
  return _mm512_mask_mov_ps(v, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), _mm512_set1_ps(float_of(kNan32)));
}

/// rows[i] lane j <-> rows[j] lane i.
ASSAY_HD void transpose(Vector* rows) {
  Vector t[16];
#pragma GCC unroll 4
  for (int g = 0; g < 16; g += 4) {
    const __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(rows[g], rows[g + 1]));
    const __m512d b = _mm512_castps_pd(_mm512_unpackhi_ps(rows[g], rows[g + 1]));
    const __m512d c = _mm512_castps_pd(_mm512_unpacklo_ps(rows[g + 2], rows[g + 3]));
    const __m512d d = _mm512_castps_pd(_mm512_unpackhi_ps(rows[g + 2], rows[g + 3]));
    t[g] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    t[g + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    t[g + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    t[g + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    const Vector low0 = _mm512_shuffle_f32x4(t[c], t[4 + c], 0x44),
                 low1 = _mm512_shuffle_f32x4(t[8 + c], t[12 + c], 0x44);
    const Vector top0 = _mm512_shuffle_f32x4(t[c], t[4 + c], 0xee),
                 top1 = _mm512_shuffle_f32x4(t[8 + c], t[12 + c], 0xee);
    rows[c] = _mm512_shuffle_f32x4(low0, low1, 0x88);
    rows[4 + c] = _mm512_shuffle_f32x4(low0, low1, 0xdd);
    rows[8 + c] = _mm512_shuffle_f32x4(top0, top1, 0x88);
    rows[12 + c] = _mm512_shuffle_f32x4(top0, top1, 0xdd);
  }
}

#elif defined(__AVX2__)

constexpr int kWidth = 8, kRows = 6, kVectors = 2;
using Vector = __m256;
struct Mask {
  __m256i bits;
  int lanes;
};

ASSAY_HD Mask mask_of(int lanes) {
  return {_mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)), lanes};
}
ASSAY_HD Vector zero() { return _mm256_setzero_ps(); }
ASSAY_HD Vector load(const float* p) { return _mm256_loadu_ps(p); }
ASSAY_HD Vector load(const float* p, Mask mask) { return _mm256_maskload_ps(p, mask.bits); }
ASSAY_HD Vector load(const std::uint16_t* p, Mask mask) {
  __m128i narrow;
  if (mask.lanes >= kWidth) {
    narrow = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  } else {
    std::uint16_t lanes[8] = {};
    for (int i = 0; i < mask.lanes; ++i) lanes[i] = p[i];
    narrow = _mm_loadu_si128(reinterpret_cast<const __m128i*>(lanes));
  }
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(narrow), 16));
}
ASSAY_HD void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
// A masked store takes a Zen 3 twelve cycles, as long as 24 fused multiply-adds: it must be the exception.
ASSAY_HD void store(float* p, Vector v, Mask mask) {
  if (mask.lanes >= kWidth)
    _mm256_storeu_ps(p, v);
  else
    _mm256_maskstore_ps(p, mask.bits, v);
}
ASSAY_HD Vector broadcast(float x) { return _mm256_set1_ps(x); }
ASSAY_HD Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
ASSAY_HD Vector one_nan(Vector v) {
  return _mm256_blendv_ps(v, _mm256_set1_ps(float_of(kNan32)), _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
}

ASSAY_HD void transpose(Vector* rows) {
  Vector t[8];
#pragma GCC unroll 2
  for (int g = 0; g < 8; g += 4) {
    const Vector a = _mm256_unpacklo_ps(rows[g], rows[g + 1]), b = _mm256_unpackhi_ps(rows[g], rows[g + 1]);
    const Vector c = _mm256_unpacklo_ps(rows[g + 2], rows[g + 3]),
                 d = _mm256_unpackhi_ps(rows[g + 2], rows[g + 3]);
    t[g] = _mm256_shuffle_ps(a, c, 0x44);
    t[g + 1] = _mm256_shuffle_ps(a, c, 0xee);
    t[g + 2] = _mm256_shuffle_ps(b, d, 0x44);
    t[g + 3] = _mm256_shuffle_ps(b, d, 0xee);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    rows[c] = _mm256_permute2f128_ps(t[c], t[4 + c], 0x20);
    rows[4 + c] = _mm256_permute2f128_ps(t[c], t[4 + c], 0x31);
  }
}

#else

constexpr int kWidth = 4, kRows = 4, kVectors = 2;
struct Vector {
  float x[4];
};
using Mask = int;

ASSAY_HD Mask mask_of(int lanes) { return lanes; }
ASSAY_HD Vector zero() { return {}; }
ASSAY_HD Vector load(const float* p) { return {{p[0], p[1], p[2], p[3]}}; }
ASSAY_HD Vector load(const float* p, Mask mask) {
  Vector v{};
  for (int i = 0; i < mask; ++i) v.x[i] = p[i];
  return v;
}
ASSAY_HD Vector load(const std::uint16_t* p, Mask mask) {
  Vector v{};
  for (int i = 0; i < mask; ++i) v.x[i] = from_bf16(p[i]);
  return v;
}
ASSAY_HD void store(float* p, Vector v) {
  for (int i = 0; i < 4; ++i) p[i] = v.x[i];
}
ASSAY_HD void store(float* p, Vector v, Mask mask) {
  for (int i = 0; i < mask; ++i) p[i] = v.x[i];
}
ASSAY_HD Vector broadcast(float x) { return {{x, x, x, x}}; }
ASSAY_HD Vector multiply_add(Vector a, Vector b, Vector c) {
  for (int i = 0; i < 4; ++i) c.x[i] = fma_(a.x[i], b.x[i], c.x[i]);
  return c;
}
ASSAY_HD Vector one_nan(Vector v) {
  for (float& x : v.x) x = x != x ? float_of(kNan32) : x;
  return v;
}
ASSAY_HD void transpose(Vector* rows) {
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < i; ++j) {
      const float kept = rows[i].x[j];
      rows[i].x[j] = rows[j].x[i];
      rows[j].x[i] = kept;
    }
}

#endif

}  // namespace
}  // namespace assay::kernels::ASSAY_VARIANT
