// The kernel of one tile a block, and its launch.
#pragma once

#include "kernels/core/after.cuh"
#include "kernels/core/fours.cuh"
#include "kernels/gemm/device_job.hpp"
#include "kernels/gemm/tile.cuh"

namespace assay::kernels::gemm_device {

__device__ __forceinline__ std::int64_t batch_offset(const Job& job, const std::int64_t* strides,
                                                     std::int64_t batch) {
  if (job.batch_rank <= 1) return batch * strides[0];
  std::int64_t offset = 0;
  for (int d = job.batch_rank - 1; d >= 0; --d) {
    offset += batch % job.batch_size[d] * strides[d];
    batch /= job.batch_size[d];
  }
  return offset;
}

/// R2's end: the scaled product, the scaled c0, one rounded add.
__device__ __forceinline__ float finish(const Job& job, float value, const char* c0, std::int64_t at) {
  if (job.alpha != 1) value = __fmul_rn(job.alpha, value);
  if (job.add) {
    const float old = job.c0.bf16 ? from_bf16(reinterpret_cast<const std::uint16_t*>(c0)[at])
                                  : reinterpret_cast<const float*>(c0)[at];
    value = __fadd_rn(job.beta == 1 ? old : __fmul_rn(job.beta, old), value);
  }
  return value;
}

__device__ __forceinline__ void put(const Job& job, char* c, std::int64_t at, float value) {
  if (job.c.bf16)
    reinterpret_cast<std::uint16_t*>(c)[at] = to_bf16(value);
  else
    reinterpret_cast<float*>(c)[at] = value != value ? float_of(kNan32) : value;
}

/// Not in tiles of 128 x 128 by threads of 8 x 8: the compiler then gives their sums registers with which
/// each step takes longer than the writing saves (measured on an H200).
template <class S>
inline constexpr bool spreads = !(S::tile_rows == 128 && S::tile_columns == 128 && S::columns == 8);

/// Writes sums to rows that are not by fours: a thread has four neighbours in a row, and passes them through
/// shared memory, so that the threads of a warp write neighbours. `down`, `across`: what there is of the
/// tile.
template <class S>
__device__ __forceinline__ void spread(const Sums<S>& sums, float* to, std::int64_t stride, int down,
                                       int across, bool keep_nans, const float* shared) {
  constexpr int wide =
      S::lane_columns * 4;  // floats of a row that a warp passes at once; lane_rows rows, of one i
  const Where<S> where;
  const int lane = static_cast<int>(threadIdx.x % 32);
  const unsigned at = address(shared) + threadIdx.x / 32 * 512;
  const unsigned mine = at + (where.down * wide + where.column0 - where.warp_column) * 4;
#pragma unroll
  for (int i = 0; i < S::rows; ++i)
#pragma unroll
    for (int j = 0; j < S::columns; j += 4) {
      __syncwarp();
      // Chosen before it is put: the sums' own registers then need not lie side by side (see `settle`).
      float v[4];
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        v[e] = sums.v[i][j + e];
        if (!keep_nans && v[e] != v[e]) v[e] = float_of(kNan32);
      }
      put4(mine, v[0], v[1], v[2], v[3]);
      __syncwarp();
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int r = where.warp_row + S::row_of(i, (e * 32 + lane) / wide);
        const int q = where.warp_column + j / 4 * wide + (e * 32 + lane) % wide;
        const float x = take1(at + (e * 32 + lane) * 4);
        if (r < down && q < across) to[r * stride + q] = x;
      }
    }
}

template <class S>
__device__ __forceinline__ void write(const Job& job, Sums<S>& sums, std::int64_t row, std::int64_t column,
                                      std::int64_t batch, int segment, float* shared) {
  const Where<S> where;
  settle<S>(sums, shared);
  const bool partial = job.segments > 1 && !job.stacked;
  const bool plain = partial || (!job.add && job.alpha == 1 && !job.c.bf16 && job.c.col == 1);
  const std::int64_t stride = partial ? job.n : job.c.row;
  float* const to =
      partial ? job.partial + (batch * job.segments + segment) * job.m * job.n
              : reinterpret_cast<float*>(job.c.data) + (plain ? batch_offset(job, job.c.batch, batch) : 0);
  const bool vectors = plain && stride % 4 == 0 && reinterpret_cast<std::uintptr_t>(to) % 16 == 0;
  if constexpr (spreads<S>) {
    if (plain && !vectors) {
      const auto left = [](std::int64_t n, int most) { return static_cast<int>(min(n, std::int64_t{most})); };
      spread<S>(sums, to + row * stride + column, stride, left(job.m - row, S::tile_rows),
                left(job.n - column, S::tile_columns), partial, shared);
      return;
    }
  }
  char* const c = job.c.data + (plain ? 0 : batch_offset(job, job.c.batch, batch) * (job.c.bf16 ? 2 : 4));
  const char* const c0 =
      job.add ? job.c0.data + batch_offset(job, job.c0.batch, batch) * (job.c0.bf16 ? 2 : 4) : nullptr;
#pragma unroll
  for (int i = 0; i < S::rows; ++i) {
    const std::int64_t r = row + where.row(i);
    if (r >= job.m) continue;
#pragma unroll
    for (int j = 0; j < S::columns; j += 4) {
      const std::int64_t q = column + where.column(j);
      float v[4];
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        v[e] = sums.v[i][j + e];
        if (plain && !partial && v[e] != v[e]) v[e] = float_of(kNan32);
      }
      if (vectors && q + 3 < job.n) {
        store_together(to + r * stride + q, v[0], v[1], v[2], v[3]);
        continue;
      }
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        if (q + e >= job.n) continue;
        if (plain)
          to[r * stride + q + e] = v[e];
        else
          put(job, c, r * job.c.row + (q + e) * job.c.col,
              finish(job, v[e], c0, r * job.c0.row + (q + e) * job.c0.col));
      }
    }
  }
}

/// Sums of segments that a block keeps until they are joined, neighbours swapped as in `settle`.
template <class S>
struct Stack {
  float* at;
  static constexpr std::int64_t floats = std::int64_t{S::tile_rows} * S::tile_columns;

  __device__ __forceinline__ float4* vector(int level, int i, int j) const {
    return reinterpret_cast<float4*>(at + level * floats) + (i * S::columns + j) / 4 * S::threads +
           threadIdx.x;
  }
  __device__ __forceinline__ void push(int level, const Sums<S>& sums) const {
#pragma unroll
    for (int i = 0; i < S::rows; ++i)
#pragma unroll
      for (int j = 0; j < S::columns; j += 4)
        *vector(level, i, j) =
            make_float4(sums.v[i][j + 1], sums.v[i][j], sums.v[i][j + 3], sums.v[i][j + 2]);
  }
  /// The older sum on the left, as R1's tree has it.
  __device__ __forceinline__ void join(int level, Sums<S>& sums) const {
#pragma unroll
    for (int i = 0; i < S::rows; ++i)
#pragma unroll
      for (int j = 0; j < S::columns; j += 4) {
        const float4 x = *vector(level, i, j);
        sums.v[i][j + 1] = __fadd_rn(x.x, sums.v[i][j + 1]), sums.v[i][j] = __fadd_rn(x.y, sums.v[i][j]);
        sums.v[i][j + 3] = __fadd_rn(x.z, sums.v[i][j + 3]),
                      sums.v[i][j + 2] = __fadd_rn(x.w, sums.v[i][j + 2]);
      }
  }
};

template <class S, Layout kB>
using MeetingOf = Meeting<S, S::meets == kApart ||
                                 (S::meets == kApartIfBAlongK && (kB == kAlongK || kB == kVectorsAlongK))>;

/// kStacked: a block computes all segments of its tile; else one of them, number blockIdx.z.
template <class S, Layout kA, Layout kB, bool kStacked>
__global__ __launch_bounds__(S::threads, S::blocks) void tiles(const __grid_constant__ Job job) {
  extern __shared__ __align__(16) float shared[];
  constexpr bool kPairs = kA == kVectorsAlongK && kB == kVectors && pairs_fit<S, S::tile_rows>;
  let_next_begin();
  // Eight tiles down, then one across: blocks that run together share rows and columns in the cache.
  const unsigned band = blockIdx.x / (8 * job.tiles_across),
                 in_band = blockIdx.x - band * 8 * job.tiles_across;
  const unsigned high = min(8U, job.tiles_down - band * 8);
  const std::int64_t row = std::int64_t{band * 8 + in_band % high} * S::tile_rows;
  const std::int64_t column = std::int64_t{in_band / high} * S::tile_columns;
  const std::int64_t batch = job.first_batch + blockIdx.y;
  const auto rows = static_cast<int>(min(job.m - row, std::int64_t{S::tile_rows}));
  const auto columns = static_cast<int>(min(job.n - column, std::int64_t{S::tile_columns}));
  Sums<S> sums;
  int segment = static_cast<int>(blockIdx.z);
#pragma unroll 1
  for (;; ++segment) {
    const std::int64_t k = segment * std::int64_t{4096};
    const auto length = static_cast<int>(min(std::int64_t{4096}, job.k - k));
    const float* const a =
        job.a.data + batch_offset(job, job.a.batch, batch) + row * job.a.lane + k * job.a.k;
    const float* const b =
        job.b.data + batch_offset(job, job.b.batch, batch) + column * job.b.lane + k * job.b.k;
    const Loader<S, S::tile_rows, kA, kPairs> load_a(a, job.a.lane, job.a.k, rows);
    const Loader<S, S::tile_columns, kB, false> load_b(b, job.b.lane, job.b.k, columns);
    wait_for_previous();
    accumulate<S, MeetingOf<S, kB>>(sums, load_a, load_b, length, shared);
    if constexpr (!kStacked) break;
    const Stack<S> stack{job.partial + (batch * gridDim.x + blockIdx.x) * job.levels * Stack<S>::floats};
    const bool last = segment + 1 == job.segments;
    int top = __popc(static_cast<unsigned>(segment));
    for (int bits = segment; last ? top > 0 : bits & 1; bits >>= 1) stack.join(--top, sums);
    if (last) break;
    stack.push(top, sums);
    __syncthreads();  // shared memory is free again
  }
  write<S>(job, sums, row, column, batch, segment, shared);
}

/// Whether four neighbours at a time may be read.
inline bool aligned(const Job& job, const Operand& x, std::int64_t lanes) {
  bool all = reinterpret_cast<std::uintptr_t>(x.data) % 16 == 0;
  for (int d = 0; d < job.batch_rank; ++d) all = all && x.batch[d] % 4 == 0;
  const std::int64_t row = x.along_k ? x.lane : x.k, floats = x.along_k ? job.k : lanes;
  return all && row % 4 == 0 && (floats % 4 == 0 || x.padded);
}

/// Shared memory of which one block alone finds room on a processor. Small grids that may begin early take so
/// much, so that their blocks do not wait, several at one place, for what the launch before leaves.
inline int shared_alone() { return device_attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor) / 2; }

/// As launch(), with as much shared memory as the kernel asks for.
template <class Kernel>
bool launch_kernel(Kernel* kernel, dim3 grid, int threads, int shared, bool early, const Job& job,
                   cudaStream_t stream) {
  if (shared > 48 * 1024 &&
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared) != cudaSuccess)
    return false;
  return kernels::launch(kernel, grid, threads, shared, early, stream, job) == cudaSuccess;
}

template <class S, Layout kA, Layout kB, bool kStacked>
bool launch_with(Job& job, cudaStream_t stream) {
  const auto segments = static_cast<unsigned>(kStacked ? 1 : job.segments);
  const std::int64_t tiles_each = std::int64_t{job.tiles_down} * job.tiles_across * segments;
  const bool alone = tiles_each * job.batches <= device_attribute(cudaDevAttrMultiProcessorCount);
  constexpr int needed = MeetingOf<S, kB>::shared_bytes;
  const int shared = alone && shared_alone() > needed ? shared_alone() : needed;
  for (job.first_batch = 0; job.first_batch < job.batches; job.first_batch += 65535) {
    const auto batches =
        static_cast<unsigned>(job.batches - job.first_batch < 65535 ? job.batches - job.first_batch : 65535);
    if (!launch_kernel(tiles<S, kA, kB, kStacked>, dim3(job.tiles_down * job.tiles_across, batches, segments),
                       S::threads, shared, alone, job, stream))
      return false;
  }
  return true;
}

template <class S, bool kStacked = false>
bool launch(Job job, void* stream_pointer) {
  auto* const stream = static_cast<cudaStream_t>(stream_pointer);
  const std::int64_t down = (job.m + S::tile_rows - 1) / S::tile_rows;
  const std::int64_t across = (job.n + S::tile_columns - 1) / S::tile_columns;
  if (down * across > 0x7fffffff) return false;
  job.tiles_down = static_cast<unsigned>(down), job.tiles_across = static_cast<unsigned>(across);
  const bool a_lanes = !job.a.along_k, b_lanes = !job.b.along_k;
  if (aligned(job, job.a, job.m) && aligned(job, job.b, job.n)) {
    if (a_lanes)
      return b_lanes ? launch_with<S, kVectors, kVectors, kStacked>(job, stream)
                     : launch_with<S, kVectors, kVectorsAlongK, kStacked>(job, stream);
    return b_lanes ? launch_with<S, kVectorsAlongK, kVectors, kStacked>(job, stream)
                   : launch_with<S, kVectorsAlongK, kVectorsAlongK, kStacked>(job, stream);
  }
  if (a_lanes)
    return b_lanes ? launch_with<S, kAlongLanes, kAlongLanes, kStacked>(job, stream)
                   : launch_with<S, kAlongLanes, kAlongK, kStacked>(job, stream);
  return b_lanes ? launch_with<S, kAlongK, kAlongLanes, kStacked>(job, stream)
                 : launch_with<S, kAlongK, kAlongK, kStacked>(job, stream);
}

}  // namespace assay::kernels::gemm_device
