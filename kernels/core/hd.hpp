// Code that is one source for host and device. Internal linkage and inlined always: see variant.hpp.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#define ASSAY_HD static __host__ __device__ __forceinline__
#define ASSAY_HD_MEMBER __host__ __device__ __forceinline__
#else
#define ASSAY_HD static inline __attribute__((always_inline))
#define ASSAY_HD_MEMBER inline __attribute__((always_inline))
#endif

namespace assay::kernels {

/// One rounding. Never left to a compiler's contraction: both sides are built without it.
ASSAY_HD float fma_(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}

ASSAY_HD std::uint32_t bits_of(float x) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(x);
#else
  std::uint32_t u;
  __builtin_memcpy(&u, &x, 4);
  return u;
#endif
}
ASSAY_HD float float_of(std::uint32_t u) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(u);
#else
  float x;
  __builtin_memcpy(&x, &u, 4);
  return x;
#endif
}

inline constexpr std::uint32_t kNan32 = 0x7fc00000;  ///< the one NaN of everything that is stored
inline constexpr std::uint16_t kNan16 = 0x7fc0;

/// bf16 (1, 8, 7 bits) widened exactly.
ASSAY_HD float from_bf16(std::uint16_t x) { return float_of(std::uint32_t{x} << 16); }
/// Round to nearest, ties to even; any NaN becomes kNan16.
ASSAY_HD std::uint16_t to_bf16(float x) {
  const std::uint32_t u = bits_of(x);
  const std::uint32_t rounded = (u + 0x7fff + (u >> 16 & 1)) >> 16;
  return static_cast<std::uint16_t>((u & 0x7fffffff) > 0x7f800000 ? kNan16 : rounded);
}

#if defined(__CUDACC__)
/// Two numbers to bf16, the first in the low half. `odd`: one may be a NaN, to which the device's instruction
/// gives other bits than the one NaN's.
__device__ __forceinline__ std::uint32_t pack_bf16(float low, float high, bool odd) {
  if (odd) return to_bf16(low) | static_cast<std::uint32_t>(to_bf16(high)) << 16;
  std::uint32_t word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}
#endif

}  // namespace assay::kernels
