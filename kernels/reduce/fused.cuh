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

/// Which element of a round a lane's leaf c is: neighbours where they are loaded together, else lanes side by
/// side.
template <bool Packed>
__device__ __forceinline__ int spot(int lane, int lanes, int c) {
  return Packed ? 4 * lane + c : lanes * c + lane;
}

template <bool Packed, int Rounds>
__device__ __forceinline__ void load_block(Block<Rounds>& x, const void* data, Type type, std::int64_t from,
                                           std::int64_t step, int count, int lane, int lanes) {
  if constexpr (Packed) {
    if (type == Type::f32) {
      const float* p = static_cast<const float*>(data) + from + 4 * lane;
#pragma unroll
      for (int k = 0; k < Rounds; ++k)
        if (k * 128 + 4 * lane < count) load_four_once(x[k], p + k * 128);
    } else {
      const std::uint16_t* p = static_cast<const std::uint16_t*>(data) + from + 4 * lane;
#pragma unroll
      for (int k = 0; k < Rounds; ++k)
        if (k * 128 + 4 * lane < count) load_four_once(x[k], p + k * 128);
    }
  } else {
#pragma unroll
    for (int k = 0; k < Rounds; ++k)
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const int i = k * 128 + spot<Packed>(lane, lanes, c);
        if (i >= count) continue;
        const std::int64_t at = from + i * step;
        x[k][c] = type == Type::f32 ? static_cast<const float*>(data)[at]
                                    : from_bf16(static_cast<const std::uint16_t*>(data)[at]);
      }
  }
}

/// Elements spot(c) of a round that begins at `at`; `left`: its elements.
template <bool Packed>
__device__ __forceinline__ void store_round(void* data, Type type, std::int64_t at, std::int64_t step,
                                            int left, int lane, int lanes, float (&v)[4]) {
  if constexpr (Packed) {
    const bool odd = v[0] != v[0] || v[1] != v[1] || v[2] != v[2] || v[3] != v[3];
    if (odd)
#pragma unroll
      for (int c = 0; c < 4; ++c) v[c] = canonical(v[c]);
    at += 4 * lane;
    if (type == Type::f32)
      *reinterpret_cast<float4*>(static_cast<float*>(data) + at) = make_float4(v[0], v[1], v[2], v[3]);
    else
      *reinterpret_cast<uint2*>(static_cast<std::uint16_t*>(data) + at) =
          make_uint2(pack_bf16(v[0], v[1], odd), pack_bf16(v[2], v[3], odd));
  } else {
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      const int i = spot<Packed>(lane, lanes, c);
      if (i < left) store_number(data, type, at + i * step, v[c]);
    }
  }
}

/// Values of a weight or bias beside elements spot(c) from `column` on, `absent` where there is none or the
/// row has ended.
template <bool Packed>
__device__ __forceinline__ void load_columns(float (&w)[4], const void* data, Type type, std::int64_t column,
                                             int left, int lane, int lanes, float absent) {
  if (Packed && data) {
    if (type == Type::f32)
      load_four(w, static_cast<const float*>(data) + column + 4 * lane);
    else
      load_four(w, static_cast<const std::uint16_t*>(data) + column + 4 * lane);
    return;
  }
#pragma unroll
  for (int c = 0; c < 4; ++c) {
    const int i = spot<Packed>(lane, lanes, c);
    w[c] = data && i < left ? load_number(data, type, column + i) : absent;
  }
}

/// The leaves of `lanes` neighbouring lanes to the block's value, in each of them.
template <typename R, bool Packed>
__device__ __forceinline__ float halved(int pass, float (&v)[4], int lane, int lanes) {
  using D = OnDevice<R>;
  if (Packed && !D::any_order(pass)) {
    if (lanes == 32) return sum_of_leaves(v, lane);
    for (int o = lanes / 2; o > 0; o /= 2)
#pragma unroll
      for (int c = 0; c < 4; ++c) v[c] = D::join(pass, v[c], __shfl_xor_sync(kAllLanes, v[c], o));
    return D::join(pass, D::join(pass, v[0], v[2]), D::join(pass, v[1], v[3]));
  }
  float a = D::join(pass, D::join(pass, v[0], v[2]), D::join(pass, v[1], v[3]));
  for (int o = lanes / 2; o > 0; o /= 2) a = D::join(pass, a, __shfl_xor_sync(kAllLanes, a, o));
  return a;
}

/// One round's terms to the leaves. What is kept for the result takes the elements' place.
template <typename R, bool Packed, bool Keep>
__device__ __forceinline__ void join_round(const FusedJob& job, int pass, std::int64_t column, int left,
                                           int lane, int lanes, const RowState& row, float (&x)[4],
                                           const float (&y)[4], float (&leaf)[4]) {
  using D = OnDevice<R>;
  if (Packed && 4 * lane >= left) return;
  float w[4] = {1, 1, 1, 1};
  if constexpr (R::kColumns && R::kInputs > 1)
    load_columns<Packed>(w, job.weight, job.weight_type, column, left, lane, lanes, 1);
#pragma unroll
  for (int c = 0; c < 4; ++c) {
    if (!Packed && spot<Packed>(lane, lanes, c) >= left) continue;
    const float t = D::term(pass, x[c], y[c], w[c], row);
    leaf[c] = D::join(pass, leaf[c], t);
    if (R::kKeeps && Keep && pass == R::kPasses - 1) x[c] = t;
  }
}

/// One round's results.
template <typename R, bool Packed, bool Keep>
__device__ __forceinline__ void write_round(const FusedJob& job, std::int64_t column, std::int64_t at,
                                            int left, int lane, int lanes, const RowState& row,
                                            const float (&x)[4], const float (&y)[4]) {
  using D = OnDevice<R>;
  if (Packed && 4 * lane >= left) return;
  float v[4], w[4] = {1, 1, 1, 1}, b[4] = {}, kept[4];
  if constexpr (R::kColumns) {
    load_columns<Packed>(w, job.weight, job.weight_type, column, left, lane, lanes, 1);
    if constexpr (R::kInputs == 1)
      load_columns<Packed>(b, job.bias, job.bias_type, column, left, lane, lanes, float_of(0x80000000u));
  }
#pragma unroll
  for (int c = 0; c < 4; ++c)
    kept[c] = !R::kKeeps || Keep ? x[c] : D::term(R::kPasses - 1, x[c], y[c], w[c], row);
  const std::int64_t here[4] = {column + spot<Packed>(lane, lanes, 0), column + spot<Packed>(lane, lanes, 1),
                                column + spot<Packed>(lane, lanes, 2), column + spot<Packed>(lane, lanes, 3)};
  D::results(x, y, w, b, kept, here, row, v);
  store_round<Packed>(job.out, job.out_type, at, job.rows.step[2], left, lane, lanes, v);
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
                               job.rows.step[0], count, lane, layout.lanes);
    if constexpr (R::kInputs > 1)
      load_block<Packed, Rounds>(y, job.y, job.y_type, row_of(job.rows, 1, index) + at * job.rows.step[1],
                                 job.rows.step[1], count, lane, layout.lanes);
  }
  __device__ __forceinline__ float block_value(int pass, std::int64_t block) {
    const int count = count_of(block);
    float leaf[4];
#pragma unroll
    for (int c = 0; c < 4; ++c) leaf[c] = D::neutral(pass);
#pragma unroll
    for (int k = 0; k < Rounds; ++k)
      join_round<R, Packed, kHeld>(job, pass, block * kBlock + k * 128, count - k * 128, lane, layout.lanes,
                                   row, x[k], y[k], leaf);
    return halved<R, Packed>(pass, leaf, lane, layout.lanes);
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
    for (int k = 0; k < Rounds; ++k)
      write_round<R, Packed, kHeld>(job, block * kBlock + k * 128, from + k * 128 * job.rows.step[2],
                                    count - k * 128, lane, layout.lanes, row, x[k], y[k]);
  }
  __device__ __forceinline__ void work(float* sums) {
    if (there) D::begin(job, index, row);
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
    if (there && lane == 0 && warp == 0) D::save(job, index, row);
  }
};

/// Thread blocks that a processor shall hold at least: what bounds the registers.
template <typename R>
inline constexpr int kTogether = R::kInputs == 1 ? ASSAY_ROWS_TOGETHER : 4;

template <typename R, bool Packed>
__global__ void __launch_bounds__(kRowThreads, kTogether<R>)
    row_kernel(const __grid_constant__ FusedJob job, const __grid_constant__ Layout layout) {
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
  RowWorker<R, Packed, 8, Way::lanes> worker{job, layout};
  worker.index = thread / 32;
  worker.lane = threadIdx.x & 31;
  worker.warp = 0, worker.warps = 1;
  worker.there = worker.index < job.rows.count;
  worker.work(nullptr);
}

inline constexpr int kShortRows = 4;  ///< that each group of lanes has at once

/// Rows of at most 128 elements: one round each, several rows in flight.
template <typename R, bool Packed>
__global__ void __launch_bounds__(kRowThreads, 6)
    short_kernel(const __grid_constant__ FusedJob job, const __grid_constant__ Layout layout) {
  using D = OnDevice<R>;
  const int lanes = layout.lanes, lane = threadIdx.x & (lanes - 1), groups = kRowThreads / lanes;
  const std::int64_t first =
      static_cast<std::int64_t>(blockIdx.x) * (groups * kShortRows) + threadIdx.x / lanes;
  const auto index = [&](int q) { return first + q * groups; };
  const auto count = [&](int q) { return index(q) < job.rows.count ? static_cast<int>(job.rows.n) : 0; };
  Block<1> x[kShortRows], y[kShortRows];
  RowState row[kShortRows];
#pragma unroll
  for (int q = 0; q < kShortRows; ++q) {
    if (index(q) < job.rows.count) D::begin(job, index(q), row[q]);
    load_block<Packed, 1>(x[q], job.x, job.x_type, row_of(job.rows, 0, index(q)), job.rows.step[0], count(q),
                          lane, lanes);
    if constexpr (R::kInputs > 1)
      load_block<Packed, 1>(y[q], job.y, job.y_type, row_of(job.rows, 1, index(q)), job.rows.step[1],
                            count(q), lane, lanes);
  }
#pragma unroll
  for (int pass = 0; pass < R::kPasses; ++pass)
#pragma unroll
    for (int q = 0; q < kShortRows; ++q) {
      float leaf[4];
#pragma unroll
      for (int c = 0; c < 4; ++c) leaf[c] = D::neutral(pass);
      join_round<R, Packed, true>(job, pass, 0, count(q), lane, lanes, row[q], x[q][0], y[q][0], leaf);
      D::end_pass(job, pass, halved<R, Packed>(pass, leaf, lane, lanes), row[q]);
    }
#pragma unroll
  for (int q = 0; q < kShortRows; ++q) {
    if constexpr (R::kWrites)
      write_round<R, Packed, true>(job, 0, row_of(job.rows, 2, index(q)), count(q), lane, lanes, row[q],
                                   x[q][0], y[q][0]);
    if (index(q) < job.rows.count && lane == 0) D::save(job, index(q), row[q]);
  }
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

inline Status launched() { return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed; }

/// Rows of at most 128 elements.
template <typename R>
Status launch_short(const FusedJob& job, cudaStream_t stream) {
  Layout layout;
  layout.lanes = 1;
  while (layout.lanes < 32 && (layout.lanes * 4 < job.rows.n || other_launches())) layout.lanes *= 2;
  const std::int64_t rows = kRowThreads / layout.lanes * kShortRows;
  const std::int64_t grid = (job.rows.count + rows - 1) / rows;
  if (grid > 0x7fffffff) return Status::bad_shape;
  const auto blocks = static_cast<unsigned>(grid);
  if (!other_launches() && is_packed(job, R::kInputs, R::kWrites))
    short_kernel<R, true><<<blocks, kRowThreads, 0, stream>>>(job, layout);
  else
    short_kernel<R, false><<<blocks, kRowThreads, 0, stream>>>(job, layout);
  return launched();
}

/// Rows of at most 1,024.
template <typename R>
Status launch_rows(const FusedJob& job, bool packed, cudaStream_t stream) {
  const std::int64_t grid = (job.rows.count * 32 + kRowThreads - 1) / kRowThreads;
  if (grid > 0x7fffffff) return Status::bad_shape;
  const auto blocks = static_cast<unsigned>(grid);
  if (packed)
    row_kernel<R, true><<<blocks, kRowThreads, 0, stream>>>(job, Layout{});
  else
    row_kernel<R, false><<<blocks, kRowThreads, 0, stream>>>(job, Layout{});
  return launched();
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
  return launched();
}

template <typename R>
Status launch(const FusedJob& job, cudaStream_t stream) {
  if (job.rows.n <= kLeaves) return launch_short<R>(job, stream);
  const bool packed = !other_launches() && is_packed(job, R::kInputs, R::kWrites);
  return job.rows.n <= kBlock ? launch_rows<R>(job, packed, stream) : launch_long<R>(job, packed, stream);
}

}  // namespace fused_rows

namespace cuda {
Status run_norm(const FusedJob& job, cudaStream_t stream);  ///< fused_norm.cu
}

}  // namespace assay::kernels
