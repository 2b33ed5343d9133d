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
  kAlongK,         ///< neighbours in k are neighbours in memory
  kAlongLanes,     ///< neighbouring lanes are
  kVectors,        ///< neighbouring lanes are, four of them aligned to 16 bytes
  kVectorsAlongK,  ///< neighbours in k are, four of them aligned to 16 bytes
};

template <int TileRows, int TileColumns, int Depth, int Rows, int Columns, int LaneRows, int Stages,
          int Blocks, int Map = 1>
struct Shape {
  static constexpr int tile_rows = TileRows, tile_columns = TileColumns, depth = Depth, rows = Rows,
                       columns = Columns;
  // Whether registers suffice to have the fetches of all first stages under way before any is waited for.
  static constexpr bool fetches_ahead = Rows * Columns <= 32 || (Rows * Columns <= 64 && Blocks == 3);
  static constexpr bool by_columns = Rows <= Columns;
  static constexpr int sweep_length = by_columns ? Rows : Columns, sweeps = by_columns ? Columns : Rows;
  static constexpr int stages = Stages, blocks = Blocks, map = Map;
  static constexpr int threads = TileRows / Rows * (TileColumns / Columns);
  static constexpr int lane_rows = LaneRows, lane_columns = 32 / LaneRows;
  static constexpr int warp_rows = lane_rows * Rows, warp_columns = lane_columns * Columns;
  static constexpr int warps_down = TileRows / warp_rows;
  // Four floats more a row: threads that write along k meet no bank twice, and 16-byte reads stay aligned.
  static constexpr int a_row = TileRows + 4, b_row = TileColumns + 4;
  static constexpr int a_floats = Depth * a_row, stage_floats = Depth * (a_row + b_row);
  static constexpr int shared_bytes = (Stages + 1) * stage_floats * 4;  // one more for what is left of k
  static_assert(TileRows % warp_rows == 0 && TileColumns % warp_columns == 0 && Rows % 4 == 0 &&
                Columns % 4 == 0);
};

// Shared addresses are 32-bit numbers of bytes: constant offsets then cost no instruction.
__device__ __forceinline__ unsigned address(const float* shared) {
  return static_cast<unsigned>(__cvta_generic_to_shared(shared));
}
// Predicated, not branched around: code stays one block, in which the compiler can place reads freely.
__device__ __forceinline__ void copy4(unsigned to, const float* from, bool wanted) {
  asm volatile(
      "{ .reg .pred p; setp.ne.b32 p, %2, 0; @p cp.async.ca.shared.global [%0], [%1], 4; }" ::"r"(to),
      "l"(from), "r"(static_cast<int>(wanted)));
}
__device__ __forceinline__ void copy16(unsigned to, const float* from, bool wanted) {
  asm volatile(
      "{ .reg .pred p; setp.ne.b32 p, %2, 0; @p cp.async.cg.shared.global [%0], [%1], 16; }" ::"r"(to),
      "l"(from), "r"(static_cast<int>(wanted)));
}
__device__ __forceinline__ void put4(unsigned to, float value) {
  asm volatile("st.shared.f32 [%0], %1;" ::"r"(to), "f"(value));
}
__device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;"); }
template <int Left>
__device__ __forceinline__ void wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Left));
}

/// Brings Depth x Lanes of one matrix to shared memory, k by k, in `pieces` instructions a thread: `fetch`
/// starts one, `put` ends it (cp.async needs no end). `at` is where the thread's first float goes.
template <int Lanes, int Depth, int Threads, int RowFloats, Layout kLayout>
struct Loader;

/// Neighbours in k, any alignment: eight threads along k, transposed on the way.
template <int Lanes, int Depth, int Threads, int RowFloats>
struct Loader<Lanes, Depth, Threads, RowFloats, kAlongK> {
  static constexpr bool reads_past = false;
  static constexpr int group = Threads / 8, passes = Lanes / group, along = Depth / 8,
                       pieces = passes * along;
  static_assert(Lanes % group == 0 && Depth % 8 == 0);
  const float* from[passes];

  Loader() = default;
  static __device__ __forceinline__ int first_k() { return static_cast<int>(threadIdx.x % 8); }
  static __device__ __forceinline__ int first_lane() { return static_cast<int>(threadIdx.x / 8); }
  __device__ __forceinline__ Loader(const float* data, std::int64_t lane_stride, std::int64_t, int valid) {
#pragma unroll
    for (int i = 0; i < passes; ++i)
      from[i] = data + min(first_lane() + i * group, valid - 1) * lane_stride + first_k();
  }
  template <bool kTail>
  __device__ __forceinline__ void fetch(int piece, unsigned at, int left, bool wanted) {
    const int i = piece / along, j = piece % along * 8;
    copy4(at + (j * RowFloats + i * group) * 4, from[i] + j, wanted && (!kTail || first_k() + j < left));
  }
  __device__ __forceinline__ void put(int, unsigned) {}
  __device__ __forceinline__ void advance(int steps) {
#pragma unroll
    for (int i = 0; i < passes; ++i) from[i] += std::int64_t{steps} * Depth;
  }
};

/// Neighbours in k, rows aligned to 16 bytes: four floats of k at once through registers, transposed on the
/// way.
template <int Lanes, int Depth, int Threads, int RowFloats>
struct Loader<Lanes, Depth, Threads, RowFloats, kVectorsAlongK> {
  static constexpr bool reads_past = false;
  static constexpr int along = Depth / 4, group = Threads / along, pieces = (Lanes + group - 1) / group;
  static_assert(Depth % 4 == 0 && Threads % along == 0 && (Lanes % group == 0 || group > Lanes));
  const float* from[pieces];
  float4 held[pieces];

  Loader() = default;
  static __device__ __forceinline__ int first_k() { return static_cast<int>(threadIdx.x % along * 4); }
  static __device__ __forceinline__ int first_lane() { return static_cast<int>(threadIdx.x / along); }
  __device__ __forceinline__ Loader(const float* data, std::int64_t lane_stride, std::int64_t, int valid) {
#pragma unroll
    for (int i = 0; i < pieces; ++i)
      from[i] = data + min(first_lane() + i * group, valid - 1) * lane_stride + first_k();
  }
  template <bool kTail>
  __device__ __forceinline__ void fetch(int piece, unsigned, int left, bool wanted) {
    if (wanted && (!kTail || first_k() < left))
      held[piece] = __ldg(reinterpret_cast<const float4*>(from[piece]));
  }
  __device__ __forceinline__ void put(int piece, unsigned at) {
    if (group > Lanes && first_lane() >= Lanes) return;
    const unsigned to = at + piece * group * 4;
    put4(to, held[piece].x);
    put4(to + RowFloats * 4, held[piece].y);
    put4(to + RowFloats * 8, held[piece].z);
    put4(to + RowFloats * 12, held[piece].w);
  }
  __device__ __forceinline__ void advance(int steps) {
#pragma unroll
    for (int i = 0; i < pieces; ++i) from[i] += std::int64_t{steps} * Depth;
  }
};

/// Neighbouring lanes, any alignment: a warp takes 32 lanes of one k. Lanes that are not there are read too,
/// from the rows that follow in memory, but for the last step of k, where nothing need follow.
template <int Lanes, int Depth, int Threads, int RowFloats>
struct Loader<Lanes, Depth, Threads, RowFloats, kAlongLanes> {
  static constexpr int warps = Threads / 32, passes = Depth / warps, across = Lanes / 32,
                       pieces = passes * across;
  static constexpr bool reads_past = true;
  static_assert(Depth % warps == 0 && Lanes % 32 == 0);
  const float* from[passes];
  std::int64_t step;
  int valid;

  Loader() = default;
  static __device__ __forceinline__ int first_k() { return static_cast<int>(threadIdx.x / 32); }
  static __device__ __forceinline__ int first_lane() { return static_cast<int>(threadIdx.x % 32); }
  __device__ __forceinline__ Loader(const float* data, std::int64_t, std::int64_t k_stride, int valid_lanes)
      : step(Depth * k_stride), valid(valid_lanes - first_lane()) {
#pragma unroll
    for (int j = 0; j < passes; ++j) from[j] = data + (first_k() + j * warps) * k_stride + first_lane();
  }
  template <bool kTail>
  __device__ __forceinline__ void fetch(int piece, unsigned at, int left, bool wanted) {
    const int j = piece / across, i = piece % across * 32;
    copy4(at + (j * warps * RowFloats + i) * 4, from[j] + i,
          wanted && (!kTail || (i < valid && first_k() + j * warps < left)));
  }
  __device__ __forceinline__ void put(int, unsigned) {}
  __device__ __forceinline__ void advance(int steps) {
#pragma unroll
    for (int j = 0; j < passes; ++j) from[j] += steps * step;
  }
};

/// Neighbouring lanes, aligned to 16 bytes.
template <int Lanes, int Depth, int Threads, int RowFloats>
struct Loader<Lanes, Depth, Threads, RowFloats, kVectors> {
  static constexpr bool reads_past = false;
  static constexpr int across = Lanes / 4, together = Threads / across;
  static constexpr int pieces = (Depth + together - 1) / together;
  static_assert(Threads % across == 0 && (Depth % together == 0 || together > Depth));
  const float* from;
  std::int64_t stride;
  bool valid;

  Loader() = default;
  static __device__ __forceinline__ int first_k() { return static_cast<int>(threadIdx.x / across); }
  static __device__ __forceinline__ int first_lane() { return static_cast<int>(threadIdx.x % across * 4); }
  __device__ __forceinline__ Loader(const float* data, std::int64_t, std::int64_t k_stride, int valid_lanes)
      : from(data + first_k() * k_stride + first_lane()),
        stride(k_stride),
        valid(first_lane() < valid_lanes && first_k() < Depth) {}
  template <bool kTail>
  __device__ __forceinline__ void fetch(int piece, unsigned at, int left, bool wanted) {
    copy16(at + piece * together * RowFloats * 4, from + piece * together * stride,
           wanted && valid && (!kTail || first_k() + piece * together < left));
  }
  __device__ __forceinline__ void put(int, unsigned) {}
  __device__ __forceinline__ void advance(int steps) { from += steps * Depth * stride; }
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
    int down = lane % S::lane_rows, across = lane / S::lane_rows;
    if (S::map == 1) {
      across = (lane & 1) + lane / (2 * S::lane_rows) * 2;
      down = lane / 2 % S::lane_rows;
    }
    row0 = warp % S::warps_down * S::warp_rows + down * 4;
    column0 = warp / S::warps_down * S::warp_columns + across * 4;
  }
  __device__ __forceinline__ int row(int i) const { return row0 + i / 4 * (S::lane_rows * 4) + i % 4; }
  __device__ __forceinline__ int column(int j) const {
    return column0 + j / 4 * (S::lane_columns * 4) + j % 4;
  }
};

template <class S>
struct Fragments {
  float a[S::rows], b[S::columns];
  static constexpr int reads = (S::rows + S::columns) / 4;

  /// Read number `i` of `reads`, in the order in which they are needed: the swept ones first.
  __device__ __forceinline__ void read(int i, const float* a_from, const float* b_from) {
    const bool of_a = S::by_columns ? i < S::rows / 4 : i >= S::columns / 4;
    const int quad = of_a ? (S::by_columns ? i : i - S::columns / 4) : (S::by_columns ? i - S::rows / 4 : i);
    if (of_a)
      take(a + quad * 4, a_from + quad * 4 * S::lane_rows);
    else
      take(b + quad * 4, b_from + quad * 4 * S::lane_columns);
  }
  __device__ __forceinline__ void read_all(const float* a_from, const float* b_from) {
#pragma unroll
    for (int i = 0; i < reads; ++i) read(i, a_from, b_from);
  }
  static __device__ __forceinline__ void take(float* to, const float* from) {
    const float4 x = *reinterpret_cast<const float4*>(from);
    to[0] = x.x, to[1] = x.y, to[2] = x.z, to[3] = x.w;
  }
};

// One column (or row, where rows are longer) of a thread's elements, there and back: an operand then stays
// for the next multiplication, and the two others are left for the two banks of registers.
template <class S>
__device__ __forceinline__ void sweep(Sums<S>& sums, const Fragments<S>& f, int number) {
#pragma unroll
  for (int q = 0; q < S::sweep_length; ++q) {
    const int turned = number % 2 ? S::sweep_length - 1 - q : q;
    const int i = S::by_columns ? turned : number, j = S::by_columns ? number : turned;
    sums.v[i][j] = __fmaf_rn(f.a[i], f.b[j], sums.v[i][j]);
  }
}

template <class L>
__device__ __forceinline__ void fetch_all(L& loader, unsigned at) {
#pragma unroll
  for (int i = 0; i < L::pieces; ++i) loader.template fetch<false>(i, at, 0, true);
}
template <class L>
__device__ __forceinline__ void put_all(L& loader, unsigned at) {
#pragma unroll
  for (int i = 0; i < L::pieces; ++i) loader.put(i, at);
}

/// sums = A B over `length` ascending k from where the loaders stand.
template <class S, class LoadA, class LoadB>
__device__ __forceinline__ void accumulate(Sums<S>& sums, LoadA& load_a, LoadB& load_b, int length,
                                           float* shared) {
  const int kept = (LoadA::reads_past || LoadB::reads_past) && length > 0 ? 1 : 0;  // the last step apart
  const int whole = (length - kept) / S::depth, left = length - whole * S::depth;
  constexpr unsigned stage_bytes = S::stage_floats * 4, all_bytes = S::stages * stage_bytes;
  constexpr int pieces = LoadA::pieces + LoadB::pieces;
  const unsigned base = address(shared);
  const unsigned to_a = base + (LoadA::first_k() * S::a_row + LoadA::first_lane()) * 4;
  const unsigned to_b = base + (S::a_floats + LoadB::first_k() * S::b_row + LoadB::first_lane()) * 4;
  if (left) {
    LoadA last_a = load_a;
    LoadB last_b = load_b;
    last_a.advance(whole);
    last_b.advance(whole);
#pragma unroll
    for (int i = 0; i < LoadA::pieces; ++i)
      last_a.template fetch<true>(i, to_a + all_bytes, left, true), last_a.put(i, to_a + all_bytes);
#pragma unroll
    for (int i = 0; i < LoadB::pieces; ++i)
      last_b.template fetch<true>(i, to_b + all_bytes, left, true), last_b.put(i, to_b + all_bytes);
  }
  if constexpr (S::fetches_ahead) {
    LoadA first_a[S::stages - 1];
    LoadB first_b[S::stages - 1];
#pragma unroll
    for (int t = 0; t < S::stages - 1; ++t) {
      first_a[t] = load_a;
      first_b[t] = load_b;
      if (t < whole) {
        fetch_all(first_a[t], to_a + t * stage_bytes);
        fetch_all(first_b[t], to_b + t * stage_bytes);
        load_a.advance(1);
        load_b.advance(1);
      }
      commit();
    }
#pragma unroll
    for (int t = 0; t < S::stages - 1; ++t) {
      if (t >= whole) continue;
      put_all(first_a[t], to_a + t * stage_bytes);
      put_all(first_b[t], to_b + t * stage_bytes);
    }
  } else {
#pragma unroll 1
    for (int t = 0; t < S::stages - 1; ++t) {
      if (t < whole) {
        fetch_all(load_a, to_a + t * stage_bytes);
        fetch_all(load_b, to_b + t * stage_bytes);
        put_all(load_a, to_a + t * stage_bytes);
        put_all(load_b, to_b + t * stage_bytes);
        load_a.advance(1);
        load_b.advance(1);
      }
      commit();
    }
  }
  unsigned filling = (S::stages - 1) * stage_bytes;
  const auto next_stage = [&] { filling = filling + stage_bytes == all_bytes ? 0 : filling + stage_bytes; };
  sums.clear();
  wait<S::stages - 2>();
  __syncthreads();
  const Where<S> where;
  const float* const a_from = shared + where.row0;
  const float* const b_from = shared + S::a_floats + where.column0;
  Fragments<S> f[2];
  f[0].read_all(a_from, b_from);
  int stage = 0;  // where the current tile's floats are
#pragma unroll 1
  for (int t = 0; t < whole; ++t) {
    const bool more = t + S::stages - 1 < whole;
#pragma unroll
    for (int k = 0; k < S::depth; ++k) {
      if (k + 1 == S::depth) {
        wait<S::stages - 2>();
        __syncthreads();
        stage = stage + S::stage_floats == S::stages * S::stage_floats ? 0 : stage + S::stage_floats;
      }
      const int next = k + 1 == S::depth ? 0 : k + 1;
      // Reads and copies lie between the sweeps, so that none waits for another.
#pragma unroll
      for (int i = 0; i < S::sweeps; ++i) {
#pragma unroll
        for (int r = 0; r < Fragments<S>::reads; ++r)
          if (r * S::sweeps / Fragments<S>::reads == i)
            f[(k + 1) % 2].read(r, a_from + stage + next * S::a_row, b_from + stage + next * S::b_row);
        sweep<S>(sums, f[k % 2], i);
        if (i + 1 < S::sweeps) continue;
        // Fetches in the first half of the steps, puts in the second.
        constexpr int half = S::depth / 2;
#pragma unroll
        for (int q = k * pieces / half; k < half && q < (k + 1) * pieces / half; ++q)
          if (q < LoadA::pieces)
            load_a.template fetch<false>(q, to_a + filling, 0, more);
          else
            load_b.template fetch<false>(q - LoadA::pieces, to_b + filling, 0, more);
        constexpr int rest = S::depth - half - 1;
        const int since = k - half;
#pragma unroll
        for (int q = since * pieces / rest; since >= 0 && since < rest && q < (since + 1) * pieces / rest;
             ++q)
          if (q < LoadA::pieces)
            load_a.put(q, to_a + filling);
          else
            load_b.put(q - LoadA::pieces, to_b + filling);
        if (k + 2 == S::depth) {
          commit();
          load_a.advance(1);
          load_b.advance(1);
          next_stage();
        }
      }
    }
  }
  constexpr int last = S::stages * S::stage_floats;
#pragma unroll 1
  for (int k = 0; k < left; ++k) {
    f[0].read_all(a_from + last + k * S::a_row, b_from + last + k * S::b_row);
#pragma unroll
    for (int i = 0; i < S::sweeps; ++i) sweep<S>(sums, f[0], i);
  }
}

}  // namespace assay::kernels::gemm_device
