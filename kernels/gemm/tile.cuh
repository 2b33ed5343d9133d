// One tile of a product on a GPU: fragments of A and B come from shared memory, which cp.async fills some
// steps ahead, and every thread keeps Rows x Columns chains in registers. How large a tile is and who does
// what of it changes no bit.
#pragma once

#include <cuda_runtime.h>

#include "kernels/core/hd.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels::gemm_device {

/// How a matrix lies in memory, seen from its panel (rows of A, columns of B: the lanes).
enum Layout : int {
  kAlongK,      ///< neighbours in k are neighbours in memory
  kAlongLanes,  ///< neighbouring lanes are
  kVectors,     ///< neighbouring lanes are, four of them aligned to 16 bytes
};

template <int TileRows, int TileColumns, int Depth, int Rows, int Columns, int LaneRows, int Stages,
          int Blocks>
struct Shape {
  static constexpr int tile_rows = TileRows, tile_columns = TileColumns, depth = Depth, rows = Rows,
                       columns = Columns;
  static constexpr int stages = Stages, blocks = Blocks;
  static constexpr int threads = TileRows / Rows * (TileColumns / Columns);
  static constexpr int lane_rows = LaneRows, lane_columns = 32 / LaneRows;
  static constexpr int warp_rows = lane_rows * Rows, warp_columns = lane_columns * Columns;
  static constexpr int warps_down = TileRows / warp_rows;
  // Four floats more a row: threads that write along k meet no bank twice, and 16-byte reads stay aligned.
  static constexpr int a_row = TileRows + 4, b_row = TileColumns + 4;
  static constexpr int a_floats = Depth * a_row, stage_floats = Depth * (a_row + b_row);
  static constexpr int shared_bytes = Stages * stage_floats * 4;
  static_assert(TileRows % warp_rows == 0 && TileColumns % warp_columns == 0 && Rows % 4 == 0 &&
                Columns % 4 == 0);
};

__device__ __forceinline__ void copy4(float* shared, const float* global) {
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to), "l"(global));
}
__device__ __forceinline__ void copy16(float* shared, const float* global) {
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(global));
}
__device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;"); }
template <int Left>
__device__ __forceinline__ void wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Left));
}

/// Copies Depth x Lanes of one matrix to shared memory, k by k.
template <int Lanes, int Depth, int Threads, int RowFloats, Layout kLayout>
struct Loader;

template <int Lanes, int Depth, int Threads, int RowFloats>
struct Loader<Lanes, Depth, Threads, RowFloats, kAlongK> {
  static constexpr int group = Threads / 8, passes = Lanes / group;
  static_assert(Lanes % group == 0 && Depth % 8 == 0);
  const float* from[passes];
  int to;

  __device__ __forceinline__ Loader(const float* data, std::int64_t lane_stride, std::int64_t, int valid) {
    const int k = threadIdx.x % 8, lane = threadIdx.x / 8;
    to = k * RowFloats + lane;
#pragma unroll
    for (int i = 0; i < passes; ++i) from[i] = data + min(lane + i * group, valid - 1) * lane_stride + k;
  }
  template <bool kTail>
  __device__ __forceinline__ void load(float* shared, int left) {
#pragma unroll
    for (int i = 0; i < passes; ++i) {
#pragma unroll
      for (int j = 0; j < Depth; j += 8)
        if (!kTail || static_cast<int>(threadIdx.x % 8) + j < left)
          copy4(shared + to + j * RowFloats + i * group, from[i] + j);
      from[i] += Depth;
    }
  }
};

template <int Lanes, int Depth, int Threads, int RowFloats>
struct Loader<Lanes, Depth, Threads, RowFloats, kAlongLanes> {
  static constexpr int warps = Threads / 32, passes = Depth / warps;
  static_assert(Depth % warps == 0 && Lanes % 32 == 0);
  const float* from;
  std::int64_t stride;
  int to, valid;

  __device__ __forceinline__ Loader(const float* data, std::int64_t, std::int64_t k_stride, int valid_lanes) {
    const int k = threadIdx.x / 32, lane = threadIdx.x % 32;
    to = k * RowFloats + lane;
    from = data + k * k_stride + lane;
    stride = k_stride;
    valid = valid_lanes - lane;
  }
  template <bool kTail>
  __device__ __forceinline__ void load(float* shared, int left) {
#pragma unroll
    for (int j = 0; j < passes; ++j) {
      if (!kTail || static_cast<int>(threadIdx.x / 32) + j * warps < left) {
        if (valid > Lanes - 32) {
#pragma unroll
          for (int i = 0; i < Lanes; i += 32) copy4(shared + to + j * warps * RowFloats + i, from + i);
        } else {
#pragma unroll
          for (int i = 0; i < Lanes; i += 32)
            if (i < valid) copy4(shared + to + j * warps * RowFloats + i, from + i);
        }
      }
      from += warps * stride;
    }
  }
};

template <int Lanes, int Depth, int Threads, int RowFloats>
struct Loader<Lanes, Depth, Threads, RowFloats, kVectors> {
  static constexpr int across = Lanes / 4, together = Threads / across;
  static constexpr int passes = (Depth + together - 1) / together;
  static_assert(Threads % across == 0 && (Depth % together == 0 || together > Depth));
  const float* from;
  std::int64_t stride;
  int to;
  bool valid;

  __device__ __forceinline__ Loader(const float* data, std::int64_t, std::int64_t k_stride, int valid_lanes) {
    const int k = threadIdx.x / across, lane = threadIdx.x % across * 4;
    to = k * RowFloats + lane;
    from = data + k * k_stride + lane;
    stride = k_stride;
    valid = lane < valid_lanes && k < Depth;
  }
  template <bool kTail>
  __device__ __forceinline__ void load(float* shared, int left) {
#pragma unroll
    for (int j = 0; j < passes; ++j) {
      if (valid && (!kTail || static_cast<int>(threadIdx.x / across) + j * together < left))
        copy16(shared + to + j * together * RowFloats, from);
      from += (together < Depth ? together : Depth) * stride;
    }
  }
};

/// The chains of one thread's elements.
template <class S>
struct Sums {
  float v[S::rows][S::columns];
  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < S::rows; ++i)
#pragma unroll
      for (int j = 0; j < S::columns; ++j) v[i][j] = 0;
  }
};

/// Where a thread's elements are in the tile: row(i) for i < S::rows, column(j) for j < S::columns, in fours.
template <class S>
struct Where {
  int row0, column0;
  __device__ __forceinline__ Where() {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    row0 = warp % S::warps_down * S::warp_rows + lane % S::lane_rows * 4;
    column0 = warp / S::warps_down * S::warp_columns + lane / S::lane_rows * 4;
  }
  __device__ __forceinline__ int row(int i) const { return row0 + i / 4 * (S::lane_rows * 4) + i % 4; }
  __device__ __forceinline__ int column(int j) const {
    return column0 + j / 4 * (S::lane_columns * 4) + j % 4;
  }
};

template <class S>
struct Fragments {
  float a[S::rows], b[S::columns];
  __device__ __forceinline__ void read(const float* a_from, const float* b_from) {
#pragma unroll
    for (int i = 0; i < S::rows; i += 4) {
      const float4 x = *reinterpret_cast<const float4*>(a_from + i * S::lane_rows);
      a[i] = x.x, a[i + 1] = x.y, a[i + 2] = x.z, a[i + 3] = x.w;
    }
#pragma unroll
    for (int j = 0; j < S::columns; j += 4) {
      const float4 x = *reinterpret_cast<const float4*>(b_from + j * S::lane_columns);
      b[j] = x.x, b[j + 1] = x.y, b[j + 2] = x.z, b[j + 3] = x.w;
    }
  }
};

template <class S>
__device__ __forceinline__ void step(Sums<S>& sums, const Fragments<S>& f) {
#pragma unroll
  for (int i = 0; i < S::rows; ++i)
#pragma unroll
    for (int j = 0; j < S::columns; ++j) sums.v[i][j] = __fmaf_rn(f.a[i], f.b[j], sums.v[i][j]);
}

/// sums += A B over `length` ascending k from where the loaders stand.
template <class S, class LoadA, class LoadB>
__device__ __forceinline__ void accumulate(Sums<S>& sums, LoadA& load_a, LoadB& load_b, int length,
                                           float* shared) {
  const int whole = length / S::depth, left = length % S::depth;
  const auto fill = [&](int t) {
    float* const stage = shared + t % S::stages * S::stage_floats;
    if (t < whole) {
      load_a.template load<false>(stage, 0);
      load_b.template load<false>(stage + S::a_floats, 0);
    } else if (t == whole && left) {
      load_a.template load<true>(stage, left);
      load_b.template load<true>(stage + S::a_floats, left);
    }
    commit();
  };
  const Where<S> where;
  const float* const a_from = shared + where.row0;
  const float* const b_from = shared + S::a_floats + where.column0;
#pragma unroll 1
  for (int t = 0; t < S::stages - 1; ++t) fill(t);
  wait<S::stages - 2>();
  __syncthreads();
  Fragments<S> f[2];
  f[0].read(a_from, b_from);
  int stage = 0;  // where the current tile's floats are
#pragma unroll 1
  for (int t = 0; t < whole; ++t) {
#pragma unroll
    for (int k = 0; k < S::depth; ++k) {
      if (k + 1 == S::depth) {
        wait<S::stages - 2>();
        __syncthreads();
        stage = stage + S::stage_floats == S::stages * S::stage_floats ? 0 : stage + S::stage_floats;
        f[(k + 1) % 2].read(a_from + stage, b_from + stage);
      } else {
        f[(k + 1) % 2].read(a_from + stage + (k + 1) * S::a_row, b_from + stage + (k + 1) * S::b_row);
      }
      if (k == 0) fill(t + S::stages - 1);
      step<S>(sums, f[k % 2]);
    }
  }
#pragma unroll 1
  for (int k = 0; k < left; ++k) {
    f[0].read(a_from + stage + k * S::a_row, b_from + stage + k * S::b_row);
    step<S>(sums, f[0]);
  }
}

}  // namespace assay::kernels::gemm_device
