// Rows that are reduced and then written, on CUDA: up to 1,024 elements by the lanes of a warp (shorter ones
// by fewer), longer ones by a thread block whose warps take blocks of R1. A row that fits stays in registers
// between the passes.
#pragma once

#include <cuda_runtime.h>

#include "kernels/reduce/fused.hpp"
#include "kernels/reduce/tree.cuh"

namespace assay::kernels {

namespace fused_rows {

inline constexpr int kMostThreads = 512;
inline constexpr int kRuns = 2048;  ///< values of runs of blocks that shared memory holds

/// A lane's part of a block of R1: rounds of 128, four leaves. One round is enough for short rows, and leaves
/// registers to more of them.
template <int Rounds>
using Block = float[Rounds][4];

template <bool Packed, int Rounds>
__device__ __forceinline__ void load_block(Block<Rounds>& x, const void* data, Type type, std::int64_t from,
                                           std::int64_t step, int count, int lane) {
  if constexpr (Packed) {
    if (type == Type::f32) {
      const float* p = static_cast<const float*>(data) + from + 4 * lane;
#pragma unroll
      for (int k = 0; k < Rounds; ++k)
        if (k * 128 + 4 * lane < count) load_four(x[k], p + k * 128);
    } else {
      const std::uint16_t* p = static_cast<const std::uint16_t*>(data) + from + 4 * lane;
#pragma unroll
      for (int k = 0; k < Rounds; ++k)
        if (k * 128 + 4 * lane < count) load_four(x[k], p + k * 128);
    }
  } else {
#pragma unroll
    for (int k = 0; k < Rounds; ++k)
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const int i = k * 128 + 4 * lane + c;
        if (i >= count) continue;
        const std::int64_t at = from + i * step;
        x[k][c] = type == Type::f32 ? static_cast<const float*>(data)[at]
                                    : from_bf16(static_cast<const std::uint16_t*>(data)[at]);
      }
  }
}

template <bool Packed>
__device__ __forceinline__ void store_round(void* data, Type type, std::int64_t at, std::int64_t step,
                                            int left, const float (&v)[4]) {
  if constexpr (Packed) {
    if (type == Type::f32) {
      *reinterpret_cast<float4*>(static_cast<float*>(data) + at) =
          make_float4(canonical(v[0]), canonical(v[1]), canonical(v[2]), canonical(v[3]));
    } else {
      const std::uint32_t low = to_bf16(v[0]) | static_cast<std::uint32_t>(to_bf16(v[1])) << 16;
      const std::uint32_t high = to_bf16(v[2]) | static_cast<std::uint32_t>(to_bf16(v[3])) << 16;
      *reinterpret_cast<uint2*>(static_cast<std::uint16_t*>(data) + at) = make_uint2(low, high);
    }
  } else {
#pragma unroll
    for (int c = 0; c < 4; ++c)
      if (c < left) store_number(data, type, at + c * step, v[c]);
  }
}

__device__ __forceinline__ float column_value(const void* data, Type type, std::int64_t i, float absent) {
  if (!data) return absent;
  return type == Type::f32 ? static_cast<const float*>(data)[i]
                           : from_bf16(static_cast<const std::uint16_t*>(data)[i]);
}

/// Values [0, count) of shared memory, neutral up to the next power of two above 32: R1 step 3, by one warp,
/// in every lane.
__device__ __forceinline__ float join_runs(Join join, float* sums, int count, int lane) {
  int run = 1;
  while (run * 32 < count) run *= 2;
  float* mine = sums + lane * run;
  for (int width = run / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) mine[i] = join_terms(join, mine[2 * i], mine[2 * i + 1]);
  float v = mine[0];
#pragma unroll
  for (int o = 1; o < 32; o *= 2) v = join_terms(join, v, __shfl_xor_sync(kAllLanes, v, o));
  return v;
}

/// How the work lies: a row has `lanes` lanes, or (whole) a thread block with its warps in turn taking runs
/// of `run` blocks.
struct Layout {
  int lanes = 32;
  bool whole = false;
  int run = 1;
  int runs = 1;
};

template <typename R, bool Packed, int Rounds>
struct RowWorker {
  const FusedJob& job;
  const Layout& layout;
  std::int64_t index;
  int lane, warp, warps;
  bool there, held;
  RowState row;
  Block<Rounds> x, y;

  __device__ __forceinline__ int count_of(std::int64_t block) const {
    const std::int64_t left = job.rows.n - block * kBlock;
    return there ? static_cast<int>(left < kBlock ? left : kBlock) : 0;
  }
  __device__ __forceinline__ void load(std::int64_t block) {
    const int count = count_of(block);
    const std::int64_t at = block * kBlock;
    load_block<Packed, Rounds>(x, job.x, job.x_type, row_of(job.rows, 0, index) + at * job.rows.step[0],
                               job.rows.step[0], count, lane);
    if constexpr (R::kInputs > 1)
      load_block<Packed, Rounds>(y, job.y, job.y_type, row_of(job.rows, 1, index) + at * job.rows.step[1],
                                 job.rows.step[1], count, lane);
  }
  __device__ __forceinline__ float block_value(int pass, std::int64_t block) {
    const Join join = R::join(pass);
    const int count = count_of(block);
    float leaf[4];
#pragma unroll
    for (int c = 0; c < 4; ++c) leaf[c] = neutral_of(join);
#pragma unroll
    for (int k = 0; k < Rounds; ++k)
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const int i = k * 128 + 4 * lane + c;
        if (i >= count) continue;
        float w = 1;
        if constexpr (R::kColumns && R::kInputs > 1)
          w = column_value(job.weight, job.weight_type, block * kBlock + i, 1);
        const float t = R::term(pass, x[k][c], y[k][c], w, row);
        leaf[c] = join_terms(join, leaf[c], t);
        if (R::kKeeps && held && pass == R::kPasses - 1) x[k][c] = t;
      }
    return halve_lanes(join, leaf, layout.lanes);
  }
  /// R1 step 3 over one run, whose blocks follow one another.
  __device__ __forceinline__ float run_value(int pass, int r) {
    const Join join = R::join(pass);
    const std::int64_t blocks = (job.rows.n + kBlock - 1) / kBlock;
    float level[24];
    unsigned count = 0;
    for (std::int64_t b = static_cast<std::int64_t>(r) * layout.run; b < blocks && count < layout.run;) {
      if (!held) load(b);
      float value = block_value(pass, b++);
      if (layout.run == 1) return value;
      int l = 0;
      for (unsigned c = count++; c & 1; c >>= 1) value = join_terms(join, level[l++], value);
      level[l] = value;
    }
    float value = neutral_of(join);
    for (int l = 0; l < 24; ++l)
      if (count >> l & 1) value = join_terms(join, level[l], value);
    return value;
  }
  __device__ __forceinline__ float pass_value(int pass, float* sums) {
    if (!layout.whole) return block_value(pass, 0);
    const int room = layout.runs <= 32 ? 32 : kRuns;
    for (int i = threadIdx.x; i < room; i += blockDim.x) sums[i] = neutral_of(R::join(pass));
    __syncthreads();
    for (int r = warp; r < layout.runs; r += warps) {
      const float value = run_value(pass, r);
      if (lane == 0) sums[r] = value;
    }
    __syncthreads();
    if (warp == 0) {
      const float value = join_runs(R::join(pass), sums, layout.runs, lane);
      __syncwarp();
      if (lane == 0) sums[0] = value;
    }
    __syncthreads();
    const float value = sums[0];
    __syncthreads();
    return value;
  }
  __device__ __forceinline__ void write(std::int64_t block) {
    const int count = count_of(block);
    const std::int64_t from = row_of(job.rows, 2, index) + block * kBlock * job.rows.step[2];
#pragma unroll
    for (int k = 0; k < Rounds; ++k) {
      const int i = k * 128 + 4 * lane;
      if (i >= count) continue;
      float v[4];
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const std::int64_t column = block * kBlock + i + c;
        float w = 1, b = 0, kept = 0;
        if constexpr (R::kColumns) {
          const bool real = i + c < count;
          w = column_value(real ? job.weight : nullptr, job.weight_type, column, 1);
          b = column_value(real ? job.bias : nullptr, job.bias_type, column, float_of(0x80000000u));
        }
        if constexpr (R::kKeeps) kept = held ? x[k][c] : R::term(R::kPasses - 1, x[k][c], y[k][c], w, row);
        v[c] = R::result(x[k][c], y[k][c], w, b, kept, column, row);
      }
      store_round<Packed>(job.out, job.out_type, from + i * job.rows.step[2], job.rows.step[2], count - i, v);
    }
  }
  __device__ __forceinline__ void work(float* sums) {
    if (there) R::begin(job, index, row);
    if (held && (!layout.whole || warp < layout.runs)) load(warp);
#pragma unroll
    for (int pass = 0; pass < R::kPasses; ++pass) R::end_pass(job, pass, pass_value(pass, sums), row);
    if constexpr (R::kWrites) {
      const std::int64_t blocks = (job.rows.n + kBlock - 1) / kBlock;
      for (std::int64_t b = warp; b < blocks; b += warps) {
        if (!held) load(b);
        write(b);
      }
    }
    if (there && lane == 0 && warp == 0) R::save(job, index, row);
  }
};

template <typename R, bool Packed, int Rounds>
__global__ void __launch_bounds__(Rounds == 1 ? 256 : kMostThreads)
    fused_kernel(const __grid_constant__ FusedJob job, const __grid_constant__ Layout layout) {
  __shared__ float sums[kRuns];
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  RowWorker<R, Packed, Rounds> worker{job, layout};
  worker.index = layout.whole ? blockIdx.x : thread / layout.lanes;
  worker.lane = threadIdx.x & (layout.lanes - 1);
  worker.warp = layout.whole ? threadIdx.x / 32 : 0;
  worker.warps = layout.whole ? blockDim.x / 32 : 1;
  worker.there = worker.index < job.rows.count;
  worker.held = layout.run == 1 && layout.runs <= worker.warps;
  worker.work(sums);
}

inline bool is_packed(const FusedJob& job, int inputs, bool writes) {
  const Rows& rows = job.rows;
  const void* data[] = {job.x, inputs > 1 ? job.y : nullptr, writes ? job.out : nullptr};
  const Type type[] = {job.x_type, job.y_type, job.out_type};
  bool packed = rows.n % 4 == 0;
  for (int t = 0; t < 3; ++t) {
    if (!data[t]) continue;
    packed =
        packed && rows.step[t] == 1 &&
        reinterpret_cast<std::uintptr_t>(data[t]) % static_cast<std::uintptr_t>(4 * size_of(type[t])) == 0;
    for (int d = 0; d < rows.rank; ++d) packed = packed && rows.stride[t][d] % 4 == 0;
  }
  return packed;
}

template <typename R>
Status launch(const FusedJob& job, cudaStream_t stream) {
  Layout layout;
  std::int64_t grid = job.rows.count;
  int threads = 256;
  if (job.rows.n <= kBlock) {
    layout.lanes = 1;
    while (layout.lanes < 32 && layout.lanes * 4 < job.rows.n) layout.lanes *= 2;
    grid = (job.rows.count * layout.lanes + threads - 1) / threads;
  } else {
    const std::int64_t blocks = (job.rows.n + kBlock - 1) / kBlock;
    layout.whole = true;
    while (blocks > static_cast<std::int64_t>(layout.run) * kRuns) layout.run *= 2;
    layout.runs = static_cast<int>((blocks + layout.run - 1) / layout.run);
    threads = layout.runs * 32 < kMostThreads ? layout.runs * 32 : kMostThreads;
  }
  if (grid > 0x7fffffff) return Status::bad_shape;
  const bool packed = is_packed(job, R::kInputs, R::kWrites), one = job.rows.n <= kLeaves;
  const auto blocks = static_cast<unsigned>(grid);
  if (packed && one)
    fused_kernel<R, true, 1><<<blocks, threads, 0, stream>>>(job, layout);
  else if (packed)
    fused_kernel<R, true, 8><<<blocks, threads, 0, stream>>>(job, layout);
  else if (one)
    fused_kernel<R, false, 1><<<blocks, threads, 0, stream>>>(job, layout);
  else
    fused_kernel<R, false, 8><<<blocks, threads, 0, stream>>>(job, layout);
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace fused_rows

namespace cuda {
Status run_norm(const FusedJob& job, cudaStream_t stream);  ///< fused_norm.cu
}

}  // namespace assay::kernels
