// Rows that are reduced and then written, on CUDA: up to 1,024 elements by the lanes of a warp (shorter ones
// by fewer), longer ones by a thread block whose warps take blocks of R1. A row that fits stays in registers
// between the passes.
#pragma once

#include <cuda_runtime.h>

#include "kernels/core/launch.hpp"
#include "kernels/reduce/device_rules.cuh"
#include "kernels/reduce/tree.cuh"

namespace assay::kernels {

namespace fused_rows {

#ifndef ASSAY_ROWS_TOGETHER
#define ASSAY_ROWS_TOGETHER 7
#endif
inline constexpr int kRowThreads = 128;  ///< of a thread block whose warps have a row each
template <typename R>
inline constexpr int kMostThreads =
    R::kInputs == 1 ? 1024 : 512;  ///< of one that has a row, 64 or 128 registers each
inline constexpr int kLoopThreads = 512;
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
                                            int left, float (&v)[4]) {
  if constexpr (Packed) {
    const bool odd = v[0] != v[0] || v[1] != v[1] || v[2] != v[2] || v[3] != v[3];
    if (odd)
#pragma unroll
      for (int c = 0; c < 4; ++c) v[c] = canonical(v[c]);
    if (type == Type::f32)
      *reinterpret_cast<float4*>(static_cast<float*>(data) + at) = make_float4(v[0], v[1], v[2], v[3]);
    else
      *reinterpret_cast<uint2*>(static_cast<std::uint16_t*>(data) + at) =
          make_uint2(pack_bf16(v[0], v[1], odd), pack_bf16(v[2], v[3], odd));
  } else {
#pragma unroll
    for (int c = 0; c < 4; ++c)
      if (c < left) store_number(data, type, at + c * step, v[c]);
  }
}

/// Four values of a weight or bias, `absent` where there is none or the row has ended.
template <bool Packed>
__device__ __forceinline__ void load_columns(float (&w)[4], const void* data, Type type, std::int64_t column,
                                             int left, float absent) {
  if (Packed && data) {
    if (type == Type::f32)
      load_four(w, static_cast<const float*>(data) + column);
    else
      load_four(w, static_cast<const std::uint16_t*>(data) + column);
    return;
  }
#pragma unroll
  for (int c = 0; c < 4; ++c) w[c] = data && c < left ? load_number(data, type, column + c) : absent;
}

/// How the work lies: a row has `lanes` lanes, or a thread block whose warps in turn take runs of `run`
/// blocks.
struct Layout {
  int lanes = 32;
  int run = 1;
  int runs = 1;
};

/// lanes: a row of at most 1,024 elements in the lanes of a warp. held: a longer one in those of a thread
/// block. looped: warps read their blocks once a pass.
enum class Way { lanes, held, looped };

template <typename R, bool Packed, int Rounds, Way kWay>
struct RowWorker {
  static constexpr bool kHeld = kWay != Way::looped;
  using D = OnDevice<R>;
  const FusedJob& job;
  const Layout& layout;
  std::int64_t index;
  int lane, warp, warps;
  bool there;
  RowState row;
  Block<Rounds> x, y;

  __device__ __forceinline__ int count_of(std::int64_t block) const {
    if (kWay == Way::lanes) return there ? static_cast<int>(job.rows.n) : 0;
    const std::int64_t left = job.rows.n - block * kBlock;
    return static_cast<int>(left < kBlock ? left : kBlock);
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
  /// Leaves of neighbouring lanes to the block's value, in each of them.
  __device__ __forceinline__ float halved(int pass, float (&v)[4]) const {
    for (int o = layout.lanes / 2; o > 0; o /= 2)
#pragma unroll
      for (int c = 0; c < 4; ++c) v[c] = D::join(pass, v[c], __shfl_xor_sync(kAllLanes, v[c], o));
    return D::join(pass, D::join(pass, v[0], v[2]), D::join(pass, v[1], v[3]));
  }
  __device__ __forceinline__ float block_value(int pass, std::int64_t block) {
    const int count = count_of(block);
    float leaf[4];
#pragma unroll
    for (int c = 0; c < 4; ++c) leaf[c] = D::neutral(pass);
#pragma unroll
    for (int k = 0; k < Rounds; ++k) {
      const int i = k * 128 + 4 * lane;
      if (i >= count) continue;
      float w[4] = {1, 1, 1, 1};
      if constexpr (R::kColumns && R::kInputs > 1)
        load_columns<Packed>(w, job.weight, job.weight_type, block * kBlock + i, count - i, 1);
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        if (!Packed && i + c >= count) continue;
        const float t = D::term(pass, x[k][c], y[k][c], w[c], row);
        leaf[c] = D::join(pass, leaf[c], t);
        if (R::kKeeps && kHeld && pass == R::kPasses - 1) x[k][c] = t;
      }
    }
    return halved(pass, leaf);
  }
  /// R1 step 3 over one run, whose blocks follow one another.
  __device__ __forceinline__ float run_value(int pass, int r) {
    const std::int64_t blocks = (job.rows.n + kBlock - 1) / kBlock;
    if (layout.run == 1) {
      load(r);
      return block_value(pass, r);
    }
    float level[24];
    unsigned count = 0;
    for (std::int64_t b = static_cast<std::int64_t>(r) * layout.run; b < blocks && count < layout.run;) {
      load(b);
      float value = block_value(pass, b++);
      int l = 0;
      for (unsigned c = count++; c & 1; c >>= 1) value = D::join(pass, level[l++], value);
      level[l] = value;
    }
    float value = D::neutral(pass);
    for (int l = 0; l < 24; ++l)
      if (count >> l & 1) value = D::join(pass, level[l], value);
    return value;
  }
  /// R1 step 3 over the lanes' values, in each of them.
  __device__ __forceinline__ float joined_lanes(int pass, float v) const {
#pragma unroll
    for (int o = 1; o < 32; o *= 2) v = D::join(pass, v, __shfl_xor_sync(kAllLanes, v, o));
    return v;
  }
  /// The same over all runs' values in shared memory.
  __device__ __forceinline__ float join_runs(int pass, float* sums) {
    for (int i = layout.runs + threadIdx.x; i < kRuns; i += blockDim.x) sums[i] = D::neutral(pass);
    __syncthreads();
    if (warp == 0) {
      int run = 1;
      while (run * 32 < layout.runs) run *= 2;
      float* mine = sums + lane * run;
      for (int width = run / 2; width > 0; width /= 2)
        for (int i = 0; i < width; ++i) mine[i] = D::join(pass, mine[2 * i], mine[2 * i + 1]);
      const float value = joined_lanes(pass, mine[0]);
      __syncwarp();
      if (lane == 0) sums[0] = value;
    }
    __syncthreads();
    const float value = sums[0];
    __syncthreads();
    return value;
  }
  __device__ __forceinline__ float pass_value(int pass, float* sums) {
    if constexpr (kWay == Way::lanes) {
      return block_value(pass, 0);
    } else if constexpr (kWay == Way::held) {
      const float value = block_value(pass, warp);
      float* here = sums + 32 * (pass & 1);  // another warp may still read the pass before
      if (lane == 0) here[warp] = value;
      __syncthreads();
      return joined_lanes(pass, lane < layout.runs ? here[lane] : D::neutral(pass));
    } else {
      for (int r = warp; r < layout.runs; r += warps) {
        const float value = run_value(pass, r);
        if (lane == 0) sums[r] = value;
      }
      return join_runs(pass, sums);
    }
  }
  __device__ __forceinline__ void write(std::int64_t block) {
    const int count = count_of(block);
    const std::int64_t from = row_of(job.rows, 2, index) + block * kBlock * job.rows.step[2];
#pragma unroll
    for (int k = 0; k < Rounds; ++k) {
      const int i = k * 128 + 4 * lane;
      if (i >= count) continue;
      float v[4], w[4] = {1, 1, 1, 1}, b[4] = {}, kept[4];
      const std::int64_t column = block * kBlock + i;
      if constexpr (R::kColumns) {
        load_columns<Packed>(w, job.weight, job.weight_type, column, count - i, 1);
        if constexpr (R::kInputs == 1)
          load_columns<Packed>(b, job.bias, job.bias_type, column, count - i, float_of(0x80000000u));
      }
#pragma unroll
      for (int c = 0; c < 4; ++c)
        kept[c] = !R::kKeeps || kHeld ? x[k][c] : D::term(R::kPasses - 1, x[k][c], y[k][c], w[c], row);
      D::results(x[k], y[k], w, b, kept, column, row, v);
      store_round<Packed>(job.out, job.out_type, from + i * job.rows.step[2], job.rows.step[2], count - i, v);
    }
  }
  __device__ __forceinline__ void work(float* sums) {
    if (there) R::begin(job, index, row);
    if constexpr (kHeld) load(warp);
#pragma unroll
    for (int pass = 0; pass < R::kPasses; ++pass) D::end_pass(job, pass, pass_value(pass, sums), row);
    if constexpr (R::kWrites && kHeld) {
      write(warp);
    } else if constexpr (R::kWrites) {
      const std::int64_t blocks = (job.rows.n + kBlock - 1) / kBlock;
      for (std::int64_t b = warp; b < blocks; b += warps) {
        load(b);
        write(b);
      }
    }
    if (there && lane == 0 && warp == 0) R::save(job, index, row);
  }
};

/// Thread blocks that a processor shall hold at least: what bounds the registers.
template <typename R>
inline constexpr int kTogether = R::kInputs == 1 ? ASSAY_ROWS_TOGETHER : 4;

template <typename R, bool Packed, int Rounds>
__global__ void __launch_bounds__(kRowThreads, Rounds == 1 ? 12 : kTogether<R>)
    row_kernel(const __grid_constant__ FusedJob job, const __grid_constant__ Layout layout) {
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
  RowWorker<R, Packed, Rounds, Way::lanes> worker{job, layout};
  worker.index = thread / layout.lanes;
  worker.lane = threadIdx.x & (layout.lanes - 1);
  worker.warp = 0, worker.warps = 1;
  worker.there = worker.index < job.rows.count;
  worker.work(nullptr);
}

template <typename R, bool Packed, Way kWay>
__global__ void __launch_bounds__(kWay == Way::held ? kMostThreads<R> : kLoopThreads, 1)
    block_kernel(const __grid_constant__ FusedJob job, const __grid_constant__ Layout layout) {
  __shared__ float sums[kWay == Way::held ? 64 : kRuns];
  RowWorker<R, Packed, 8, kWay> worker{job, layout};
  worker.index = blockIdx.x;
  worker.lane = threadIdx.x & 31;
  worker.warp = threadIdx.x / 32, worker.warps = blockDim.x / 32;
  worker.there = true;
  worker.work(sums);
}

inline bool is_packed(const FusedJob& job, int inputs, bool writes) {
  const Rows& rows = job.rows;
  const void* data[] = {job.x, inputs > 1 ? job.y : nullptr, writes ? job.out : nullptr, job.weight,
                        job.bias};
  const Type type[] = {job.x_type, job.y_type, job.out_type, job.weight_type, job.bias_type};
  bool packed = rows.n % 4 == 0;
  for (int t = 0; t < 5; ++t) {
    if (!data[t]) continue;
    packed =
        packed &&
        reinterpret_cast<std::uintptr_t>(data[t]) % static_cast<std::uintptr_t>(4 * size_of(type[t])) == 0;
    if (t > 2) continue;
    packed = packed && rows.step[t] == 1;
    for (int d = 0; d < rows.rank; ++d) packed = packed && rows.stride[t][d] % 4 == 0;
  }
  return packed;
}

template <typename R>
Status launch_short(const FusedJob& job, bool packed, cudaStream_t stream) {
  Layout layout;
  layout.lanes = 1;
  while (layout.lanes < 32 && (layout.lanes * 4 < job.rows.n || other_launches())) layout.lanes *= 2;
  const std::int64_t grid = (job.rows.count * layout.lanes + kRowThreads - 1) / kRowThreads;
  if (grid > 0x7fffffff) return Status::bad_shape;
  const bool one = job.rows.n <= kLeaves;
  const auto blocks = static_cast<unsigned>(grid);
  if (packed && one)
    row_kernel<R, true, 1><<<blocks, kRowThreads, 0, stream>>>(job, layout);
  else if (packed)
    row_kernel<R, true, 8><<<blocks, kRowThreads, 0, stream>>>(job, layout);
  else if (one)
    row_kernel<R, false, 1><<<blocks, kRowThreads, 0, stream>>>(job, layout);
  else
    row_kernel<R, false, 8><<<blocks, kRowThreads, 0, stream>>>(job, layout);
  return Status::ok;
}

template <typename R>
Status launch_long(const FusedJob& job, bool packed, cudaStream_t stream) {
  Layout layout;
  const std::int64_t blocks = (job.rows.n + kBlock - 1) / kBlock;
  while (blocks > static_cast<std::int64_t>(layout.run) * kRuns) layout.run *= 2;
  if (other_launches()) layout.run *= 2;
  layout.runs = static_cast<int>((blocks + layout.run - 1) / layout.run);
  const bool held = packed && layout.run == 1 && layout.runs * 32 <= kMostThreads<R>;
  const int usual = held || layout.runs * 32 < kLoopThreads ? layout.runs * 32 : kLoopThreads;
  const int threads = other_launches() ? 32 : usual;
  if (job.rows.count > 0x7fffffff) return Status::bad_shape;
  const auto grid = static_cast<unsigned>(job.rows.count);
  if (held)
    block_kernel<R, true, Way::held><<<grid, threads, 0, stream>>>(job, layout);
  else if (packed)
    block_kernel<R, true, Way::looped><<<grid, threads, 0, stream>>>(job, layout);
  else
    block_kernel<R, false, Way::looped><<<grid, threads, 0, stream>>>(job, layout);
  return Status::ok;
}

template <typename R>
Status launch(const FusedJob& job, cudaStream_t stream) {
  const bool packed = !other_launches() && is_packed(job, R::kInputs, R::kWrites);
  const Status status =
      job.rows.n <= kBlock ? launch_short<R>(job, packed, stream) : launch_long<R>(job, packed, stream);
  if (status != Status::ok) return status;
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace fused_rows

namespace cuda {
Status run_norm(const FusedJob& job, cudaStream_t stream);  ///< fused_norm.cu
}

}  // namespace assay::kernels
