// Four consecutive elements of fp32 or bf16 at once, aligned for that: what CUDA kernels of several families
// read and write where memory allows it.
#pragma once

#include <cuda_runtime.h>

#include "kernels/core/hd.hpp"

namespace assay::kernels {

inline constexpr int kFour = 4;

__device__ __forceinline__ void load_four(float (&x)[kFour], const float* p) {
  const float4 v = *reinterpret_cast<const float4*>(p);
  x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
}
__device__ __forceinline__ void load_four(float (&x)[kFour], const std::uint16_t* p) {
  const uint2 v = *reinterpret_cast<const uint2*>(p);
  x[0] = float_of(v.x << 16), x[1] = float_of(v.x & 0xffff0000u);
  x[2] = float_of(v.y << 16), x[3] = float_of(v.y & 0xffff0000u);
}

/// With the one NaN.
__device__ __forceinline__ void store_four(float* p, const float (&x)[kFour]) {
  const auto one = [](float v) { return v == v ? v : float_of(kNan32); };
  *reinterpret_cast<float4*>(p) = make_float4(one(x[0]), one(x[1]), one(x[2]), one(x[3]));
}
__device__ __forceinline__ void store_four(std::uint16_t* p, const float (&x)[kFour]) {
  const bool odd = x[0] != x[0] || x[1] != x[1] || x[2] != x[2] || x[3] != x[3];
  *reinterpret_cast<uint2*>(p) = make_uint2(pack_bf16(x[0], x[1], odd), pack_bf16(x[2], x[3], odd));
}

}  // namespace assay::kernels
