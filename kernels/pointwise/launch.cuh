// How CUDA kernels of this folder walk a Job. Vector path: the innermost dimension has stride 1 or 0 in every
// operand and everything is aligned for 4 elements at once. Element path: anything else.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cuda_runtime.h>

#include "kernels/core/fours.cuh"
#include "kernels/core/launch.hpp"
#include "kernels/pointwise/elements.hpp"
#include "kernels/pointwise/job.hpp"

namespace assay::kernels::cuda {

inline constexpr int kThreads = 256;
inline constexpr int kVector = 4;

/// Division by a constant of at most 2^31 through one multiplication, exact for every n < 2^31.
struct Divider {
  std::uint32_t divisor = 1, magic = 0, shift = 0;

  Divider() = default;
  explicit Divider(std::uint32_t d) : divisor(d) {
    while (shift < 32 && (std::uint64_t{1} << shift) < d) ++shift;
    magic =
        static_cast<std::uint32_t>(((std::uint64_t{1} << 32) * ((std::uint64_t{1} << shift) - d)) / d + 1);
  }
  __device__ __forceinline__ std::uint32_t divide(std::uint32_t n) const {
    return (__umulhi(n, magic) + n) >> shift;  // the sum is below 2^32
  }
};

/// A Job as a kernel takes it: `units` steps of `width` elements; sizes of the innermost dimension are in
/// units.
struct Walk {
  int rank = 0;
  int operands = 0;    ///< the output is operand 0
  bool wide = false;   ///< 2^31 units or more: 64-bit division
  bool small = false;  ///< units and offsets are below 2^31
  std::int64_t units = 0;
  std::int64_t size[kMaxRank] = {};
  Divider divider[kMaxRank];
  void* data[kMaxInputs + 1] = {};
  Type type[kMaxInputs + 1] = {};
  std::int64_t stride[kMaxInputs + 1][kMaxRank] = {};  ///< in elements, a unit's for the innermost dimension
  float scalars[kMaxScalars] = {};

  /// Element offsets of unit `u` in every operand.
  template <int kOperands>
  __device__ __forceinline__ void locate(std::int64_t u, std::int64_t (&offset)[kOperands]) const {
#pragma unroll
    for (int k = 0; k < kOperands; ++k) offset[k] = 0;
    if (rank == 1) {
#pragma unroll
      for (int k = 0; k < kOperands; ++k) offset[k] = u * stride[k][0];
      return;
    }
    if (small)
      locate_small(static_cast<std::uint32_t>(u), offset);
    else
      locate_large(u, offset);
  }

 private:
  template <int kOperands>
  __device__ __forceinline__ void locate_small(std::uint32_t u, std::int64_t (&offset)[kOperands]) const {
    std::int32_t at[kOperands] = {};
    const auto add = [&](int d, std::uint32_t index) {
#pragma unroll
      for (int k = 0; k < kOperands; ++k)
        at[k] += static_cast<std::int32_t>(index) * static_cast<std::int32_t>(stride[k][d]);
    };
    for (int d = rank - 1; d > 0; --d) {
      const std::uint32_t quotient = divider[d].divide(u);
      add(d, u - quotient * static_cast<std::uint32_t>(size[d]));
      u = quotient;
    }
    add(0, u);
#pragma unroll
    for (int k = 0; k < kOperands; ++k) offset[k] = at[k];
  }

  template <int kOperands>
  __device__ __forceinline__ void locate_large(std::int64_t u, std::int64_t (&offset)[kOperands]) const {
    for (int d = rank - 1; d >= 0; --d) {
      const std::int64_t quotient =
          wide ? u / size[d] : static_cast<std::int64_t>(divider[d].divide(static_cast<std::uint32_t>(u)));
      const std::int64_t index = u - quotient * size[d];
#pragma unroll
      for (int k = 0; k < kOperands; ++k) offset[k] += index * stride[k][d];
      u = quotient;
    }
  }
};

inline Walk make_walk(const Job& job, int width) {
  Walk walk;
  walk.rank = std::max(job.rank, 1);
  walk.operands = job.inputs + 1;
  walk.units = 1;
  for (int d = 0; d < walk.rank; ++d) {
    const bool inner = d == walk.rank - 1;
    walk.size[d] = job.rank == 0 ? 1 : inner ? job.size[d] / width : job.size[d];
    walk.units *= walk.size[d];
    for (int k = 0; k < walk.operands; ++k) {
      const Operand& operand = k ? job.in[k - 1] : job.out;
      walk.stride[k][d] = operand.stride[d] * (inner ? width : 1);
    }
  }
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  walk.wide = walk.units >= kMost;
  walk.small = !walk.wide && !other_launches();
  for (int k = 0; k < walk.operands; ++k) {
    std::int64_t reach = 0;
    for (int d = 0; d < walk.rank && reach < kMost; ++d)
      reach += std::min(std::llabs(walk.stride[k][d]), static_cast<long long>(kMost)) *
               std::min(std::max<std::int64_t>(walk.size[d], 1) - 1, kMost);
    walk.small = walk.small && reach < kMost;
  }
  for (int d = 0; d < walk.rank; ++d)
    if (!walk.wide)
      walk.divider[d] = Divider(static_cast<std::uint32_t>(std::max<std::int64_t>(walk.size[d], 1)));
  for (int k = 0; k < walk.operands; ++k) {
    const Operand& operand = k ? job.in[k - 1] : job.out;
    walk.data[k] = operand.data;
    walk.type[k] = operand.type;
  }
  std::copy(std::begin(job.scalars), std::end(job.scalars), walk.scalars);
  return walk;
}

inline bool vector_type(Type type) {
  return type == Type::f32 || type == Type::bf16 || type == Type::boolean;
}

/// Whether every operand can be taken four elements at a time (a rank-1 tail is left to the element path).
inline bool vector_ready(const Job& job) {
  if (job.rank == 0 || other_launches()) return false;
  const int inner = job.rank - 1;
  if (job.rank > 1 && job.size[inner] % kVector) return false;
  if (job.size[inner] < kVector) return false;
  for (int k = 0; k <= job.inputs; ++k) {
    const Operand& operand = k ? job.in[k - 1] : job.out;
    if (!vector_type(operand.type)) return false;
    if (operand.stride[inner] == 0 && k) continue;
    if (operand.stride[inner] != 1) return false;
    const std::uintptr_t bytes = static_cast<std::uintptr_t>(size_of(operand.type)) * kVector;
    if (reinterpret_cast<std::uintptr_t>(operand.data) % bytes) return false;
    for (int d = 0; d < inner; ++d)
      if (operand.stride[d] % kVector) return false;
  }
  return true;
}

__device__ __forceinline__ void load_vector(const void* data, Type type, std::int64_t at, bool broadcast,
                                            float (&x)[kVector]) {
  if (broadcast) {
    x[0] = x[1] = x[2] = x[3] = load_float(data, type, at);
  } else if (type == Type::f32) {
    const float4 v = *reinterpret_cast<const float4*>(static_cast<const float*>(data) + at);
    x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
  } else if (type == Type::bf16) {
    const uint2 v = *reinterpret_cast<const uint2*>(static_cast<const std::uint16_t*>(data) + at);
    x[0] = float_of(v.x << 16), x[1] = float_of(v.x & 0xffff0000u);
    x[2] = float_of(v.y << 16), x[3] = float_of(v.y & 0xffff0000u);
  } else {
    const uchar4 v = *reinterpret_cast<const uchar4*>(static_cast<const std::uint8_t*>(data) + at);
    x[0] = v.x != 0, x[1] = v.y != 0, x[2] = v.z != 0, x[3] = v.w != 0;
  }
}

/// Of values whose NaN is the one NaN. `odd`: there may be one.
__device__ __forceinline__ void store_vector(void* data, Type type, std::int64_t at,
                                             const float (&x)[kVector], bool odd) {
  if (type == Type::f32) {
    *reinterpret_cast<float4*>(static_cast<float*>(data) + at) = make_float4(x[0], x[1], x[2], x[3]);
  } else if (type == Type::bf16) {
    *reinterpret_cast<uint2*>(static_cast<std::uint16_t*>(data) + at) =
        make_uint2(pack_bf16(x[0], x[1], odd), pack_bf16(x[2], x[3], odd));
  } else {
    *reinterpret_cast<uchar4*>(static_cast<std::uint8_t*>(data) + at) =
        make_uchar4(x[0] != 0.0f, x[1] != 0.0f, x[2] != 0.0f, x[3] != 0.0f);
  }
}

inline constexpr int kEight = 8;

/// A Job whose operands all lie side by side in their own memory: element i at i.
struct Line {
  void* data[kMaxInputs + 1] = {};  ///< the output is 0
  Type type[kMaxInputs + 1] = {};
  std::int64_t units = 0;  ///< of 4 elements (all fp32) or 8
  float scalars[kMaxScalars] = {};
};

/// Whether a Job is one, aligned for eight elements at once. `numbers`: all of its operands are fp32.
inline bool is_line(const Job& job, bool& numbers) {
  if (other_launches()) return false;
  numbers = true;
  if (job.count < kEight) return false;
  for (int k = 0; k <= job.inputs; ++k) {
    const Operand& operand = k ? job.in[k - 1] : job.out;
    if (!operand.linear || !vector_type(operand.type)) return false;
    const std::uintptr_t bytes = operand.type == Type::boolean ? 8 : 16;
    if (reinterpret_cast<std::uintptr_t>(operand.data) % bytes) return false;
    numbers = numbers && operand.type == Type::f32;
  }
  return numbers ||
         job.out.type != Type::f32;  // eight numbers a thread would be written by halves of sectors
}

inline Line make_line(const Job& job, bool numbers) {
  Line line;
  line.units = job.count / (numbers ? kVector : kEight);
  for (int k = 0; k <= job.inputs; ++k) {
    const Operand& operand = k ? job.in[k - 1] : job.out;
    line.data[k] = operand.data;
    line.type[k] = operand.type;
  }
  std::copy(std::begin(job.scalars), std::end(job.scalars), line.scalars);
  return line;
}

/// Elements 8 * unit ... 8 * unit + 7, any of the vector types.
__device__ __forceinline__ void load_eight(const void* data, Type type, std::int64_t unit,
                                           float (&x)[kEight]) {
  if (type == Type::f32) {
    const float4* p = static_cast<const float4*>(data) + 2 * unit;
    const float4 a = p[0], b = p[1];
    x[0] = a.x, x[1] = a.y, x[2] = a.z, x[3] = a.w;
    x[4] = b.x, x[5] = b.y, x[6] = b.z, x[7] = b.w;
  } else if (type == Type::bf16) {
    widen(x, static_cast<const uint4*>(data)[unit]);
  } else {
    const uint2 v = static_cast<const uint2*>(data)[unit];
    const std::uint32_t word[2] = {v.x, v.y};
#pragma unroll
    for (int k = 0; k < kEight; ++k) x[k] = word[k / 4] >> (8 * (k % 4)) & 0xff ? 1.0f : 0.0f;
  }
}

/// The same of values whose NaN is the one NaN. `odd`: there may be one.
__device__ __forceinline__ void store_eight(void* data, Type type, std::int64_t unit,
                                            const float (&x)[kEight], bool odd) {
  if (type == Type::f32) {
    float4* p = static_cast<float4*>(data) + 2 * unit;
    p[0] = make_float4(x[0], x[1], x[2], x[3]);
    p[1] = make_float4(x[4], x[5], x[6], x[7]);
  } else if (type == Type::bf16) {
    static_cast<uint4*>(data)[unit] = pack_eight(x, odd);
  } else {
    std::uint32_t word[2] = {0, 0};
#pragma unroll
    for (int k = 0; k < kEight; ++k) word[k / 4] |= (x[k] != 0.0f ? 1u : 0u) << (8 * (k % 4));
    static_cast<uint2*>(data)[unit] = make_uint2(word[0], word[1]);
  }
}

/// Blocks of threads that take `each` units.
inline unsigned line_blocks(std::int64_t units, int each) {
  return static_cast<unsigned>((units + each - 1) / each);
}

inline unsigned blocks_for(std::int64_t units, int per_block) {
  return static_cast<unsigned>(
      std::min<std::int64_t>((units + per_block - 1) / per_block, other_launches() ? 7 : 1 << 20));
}

inline Status launched() { return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed; }

}  // namespace assay::kernels::cuda
