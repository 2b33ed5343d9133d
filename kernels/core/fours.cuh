// Four consecutive elements of fp32 or bf16 at once, aligned for that: what CUDA kernels of several families
// read and write where memory allows it.
#pragma once

#include <cuda_runtime.h>

#include "kernels/core/hd.hpp"

namespace assay::kernels {

inline constexpr int kFour = 4;

/// Of bf16 where `narrow`, else of fp32.
inline bool is_four_aligned(const void* data, bool narrow) {
  return reinterpret_cast<std::uintptr_t>(data) % (narrow ? 8 : 16) == 0;
}

__device__ __forceinline__ void load_four(float (&x)[kFour], const float* p) {
  const float4 v = *reinterpret_cast<const float4*>(p);
  x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
}
__device__ __forceinline__ void load_four(float (&x)[kFour], const std::uint16_t* p) {
  const uint2 v = *reinterpret_cast<const uint2*>(p);
  x[0] = float_of(v.x << 16), x[1] = float_of(v.x & 0xffff0000u);
  x[2] = float_of(v.y << 16), x[3] = float_of(v.y & 0xffff0000u);
}

/// load_four of what no thread writes while the kernel runs: the load may go before other tensors' stores.
__device__ __forceinline__ void load_four_fixed(float (&x)[kFour], const float* p) {
  const float4 v = __ldg(reinterpret_cast<const float4*>(p));
  x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
}
__device__ __forceinline__ void load_four_fixed(float (&x)[kFour], const std::uint16_t* p) {
  const uint2 v = __ldg(reinterpret_cast<const uint2*>(p));
  x[0] = float_of(v.x << 16), x[1] = float_of(v.x & 0xffff0000u);
  x[2] = float_of(v.y << 16), x[3] = float_of(v.y & 0xffff0000u);
}

/// Elements of 16 bytes.
template <typename T>
inline constexpr int kSixteenBytes = 16 / static_cast<int>(sizeof(T));

template <int N>
__device__ __forceinline__ bool any_nan(const float (&x)[N]) {
  bool odd = false;
#pragma unroll
  for (int i = 0; i < N; ++i) odd = odd || x[i] != x[i];
  return odd;
}

/// The numbers of 16 bytes: four of fp32, or eight of bf16.
__device__ __forceinline__ void widen(float (&x)[4], const uint4& v) {
  x[0] = float_of(v.x), x[1] = float_of(v.y), x[2] = float_of(v.z), x[3] = float_of(v.w);
}
__device__ __forceinline__ void widen(float (&x)[8], const uint4& v) {
  const std::uint32_t word[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    x[2 * k] = float_of(word[k] << 16);
    x[2 * k + 1] = float_of(word[k] & 0xffff0000u);
  }
}

/// Four elements by one instruction. As plain stores of either type, nvcc writes what the two have in common,
/// word by word.
__device__ __forceinline__ void store_together(float* p, float a, float b, float c, float d) {
  asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(p), "f"(a), "f"(b), "f"(c), "f"(d)
               : "memory");
}
__device__ __forceinline__ void store_together(std::uint16_t* p, std::uint32_t low, std::uint32_t high) {
  asm volatile("st.global.v2.u32 [%0], {%1, %2};" ::"l"(p), "r"(low), "r"(high) : "memory");
}

/// Eight numbers to bf16. `odd`: one may be a NaN; asked once, not word by word.
__device__ __forceinline__ uint4 pack_eight(const float (&x)[8], bool odd) {
  if (odd)
    return make_uint4(pack_bf16(x[0], x[1], true), pack_bf16(x[2], x[3], true), pack_bf16(x[4], x[5], true),
                      pack_bf16(x[6], x[7], true));
  return make_uint4(pack_bf16(x[0], x[1], false), pack_bf16(x[2], x[3], false), pack_bf16(x[4], x[5], false),
                    pack_bf16(x[6], x[7], false));
}

/// With the one NaN.
__device__ __forceinline__ void store_four(float* p, const float (&x)[kFour]) {
  const auto one = [](float v) { return v == v ? v : float_of(kNan32); };
  store_together(p, one(x[0]), one(x[1]), one(x[2]), one(x[3]));
}
__device__ __forceinline__ void store_four(std::uint16_t* p, const float (&x)[kFour]) {
  const bool odd = any_nan(x);
  store_together(p, pack_bf16(x[0], x[1], odd), pack_bf16(x[2], x[3], odd));
}

}  // namespace assay::kernels
