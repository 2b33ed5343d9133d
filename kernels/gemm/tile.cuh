// One tile of a product on a GPU: fragments of A and B come from shared memory, which threads fill some steps
// ahead, and every thread keeps Rows x Columns chains in registers. How large a tile is and who does what of
// it changes no bit.
#pragma once

#include <cuda_runtime.h>

#include "kernels/core/hd.hpp"
#include "kernels/core/view.hpp"
#include "kernels/gemm/copies.cuh"
#include "kernels/gemm/meeting.cuh"

namespace assay::kernels::gemm_device {

/// How a matrix lies in memory, seen from its panel (rows of A, columns of B: the lanes).
enum Layout : int {
  kAlongK,         ///< neighbours in k are neighbours in memory
  kAlongLanes,     ///< neighbouring lanes are
  kVectors,        ///< neighbouring lanes are, four of them aligned to 16 bytes
  kVectorsAlongK,  ///< neighbours in k are, four of them aligned to 16 bytes
};

/// How the threads of a block meet (see `Meeting`). Which way is faster was measured on an H200, shape by
/// shape.
enum MeetsHow : int { kAtOnce, kApart, kApartIfBAlongK };

/// Ahead: how many steps before its use a fragment is read. AlongRows: which way sweeps go.
template <int TileRows, int TileColumns, int Depth, int Rows, int Columns, int LaneRows, int Blocks,
          int Ahead, bool AlongRows, MeetsHow How = kAtOnce>
struct Shape {
  static constexpr int tile_rows = TileRows, tile_columns = TileColumns, depth = Depth, rows = Rows,
                       columns = Columns, blocks = Blocks, ahead = Ahead;
  static constexpr MeetsHow meets = How;
  static constexpr bool along_rows = AlongRows;
  static constexpr int threads = TileRows / Rows * (TileColumns / Columns);
  static constexpr int lane_rows = LaneRows, lane_columns = 32 / LaneRows;
  static constexpr int warp_rows = lane_rows * Rows, warp_columns = lane_columns * Columns;
  // A thread's rows: fours of them, and two more where they are not by fours.
  static constexpr int fours = Rows / 4, rest = Rows % 4;
  static __device__ constexpr int row_of(int i, int down) {
    return i < fours * 4 ? (i / 4 * lane_rows + down) * 4 + i % 4
                         : fours * 4 * lane_rows + down * rest + i - fours * 4;
  }
  static constexpr int warps_down = TileRows / warp_rows;
  // A row of k is A's lanes, B's lanes and four floats more, four rows have 24 more: writers that lie along k
  // then meet no bank twice, and 16-byte reads stay aligned.
  static constexpr int row = TileRows + TileColumns + 4;
  static __host__ __device__ constexpr int place(int k) { return k * row + k / 4 * 24; }
  static constexpr int stage_floats = place(Depth);
  static_assert(TileRows % warp_rows == 0 && TileColumns % warp_columns == 0 && (rest == 0 || rest == 2) &&
                Columns % 4 == 0 && Depth % (Ahead + 1) == 0 && Depth % 4 == 0);
  static_assert(rest == 0 || AlongRows);  // `settle` passes four neighbours of a sweep
  static_assert(threads * (AlongRows ? Columns : Rows) <=
                3 * stage_floats);  // `settle`: stages there always are
};

struct Nothing {};

/// Brings Depth x Lanes of one matrix to shared memory, k by k, in `pieces` a thread: `fetch` reads one into
/// registers where `left` says that there is more of k, `put` writes it from where the thread's first float
/// goes on.
/// kPairs: neighbours in k are taken by two threads instead of four.
template <class S, int Lanes, Layout kLayout, bool kPairs>
struct Loader;

/// Where pairs were measured to be faster.
template <class S, int Lanes>
inline constexpr bool pairs_fit = S::threads == 128 && Lanes == 64 && S::depth == 16;

/// Neighbours in k, any alignment: eight threads along k, transposed on the way.
template <class S, int Lanes, bool kPairs>
struct Loader<S, Lanes, kAlongK, kPairs> {
  static constexpr bool direct = true;
  static constexpr int group = S::threads / 8, along = S::depth / 8, passes = Lanes / group,
                       pieces = passes * along;
  static_assert(Lanes % group == 0 && S::depth % 8 == 0);
  using Held = Nothing;
  const float* from[passes];

  static __device__ __forceinline__ int first_k() { return static_cast<int>(threadIdx.x % 8); }
  static __device__ __forceinline__ int first_lane() { return static_cast<int>(threadIdx.x / 8); }
  __device__ __forceinline__ Loader(const float* data, std::int64_t lane_stride, std::int64_t, int valid) {
#pragma unroll
    for (int i = 0; i < passes; ++i)
      from[i] = data + min(first_lane() + i * group, valid - 1) * lane_stride + first_k();
  }
  __device__ __forceinline__ void fetch(Held&, int, int) {}
  __device__ __forceinline__ void put(const Held&, int, unsigned) const {}
  __device__ __forceinline__ void copy(int piece, int left, unsigned at) {
    const int i = piece / along, j = piece % along;
    copy4(at + (S::place(j * 8) + i * group) * 4, from[i] + j * 8, first_k() + j * 8 < left);
    if (j + 1 == along) from[i] += S::depth;
  }
};

/// Neighbours in k, rows aligned to 16 bytes: threads along k (four, or two where that was measured to be
/// faster) take four floats each, transposed on the way.
template <class S, int Lanes, bool kPairs>
struct Loader<S, Lanes, kVectorsAlongK, kPairs> {
  static constexpr bool direct = false;
  static constexpr int quads = kPairs ? 2 : 4;
  static constexpr int lanes = S::threads / quads < Lanes ? S::threads / quads : Lanes,
                       passes = Lanes / lanes;
  static constexpr int together = S::threads / lanes * 4, along = S::depth / together;  // in k
  static constexpr int pieces = passes * along;
  static_assert(Lanes % lanes == 0 && S::threads % lanes == 0 && S::depth % together == 0);
  using Held = float4;
  const float* from[passes];

  static __device__ __forceinline__ int first_k() {
    return static_cast<int>(threadIdx.x % quads + threadIdx.x / (quads * lanes) * quads) * 4;
  }
  static __device__ __forceinline__ int first_lane() { return static_cast<int>(threadIdx.x / quads % lanes); }
  __device__ __forceinline__ Loader(const float* data, std::int64_t lane_stride, std::int64_t, int valid) {
#pragma unroll
    for (int i = 0; i < passes; ++i)
      from[i] = data + min(first_lane() + i * lanes, valid - 1) * lane_stride + first_k();
  }
  __device__ __forceinline__ void fetch(Held& held, int piece, int left) {
    const int i = piece / along, j = piece % along;
    if (first_k() + j * together < left)
      held = __ldg(reinterpret_cast<const float4*>(from[i] + j * together));
    if (j + 1 == along) from[i] += S::depth;
  }
  __device__ __forceinline__ void copy(int, int, unsigned) {}
  __device__ __forceinline__ void put(const Held& held, int piece, unsigned at) const {
    const unsigned to = at + (S::place(piece % along * together) + piece / along * lanes) * 4;
    put1(to, held.x), put1(to + S::row * 4, held.y);
    put1(to + S::row * 8, held.z), put1(to + S::row * 12, held.w);
  }
};

/// Neighbouring lanes, any alignment: a warp takes 32 lanes of one k. Lanes that are not there are read too,
/// from the rows that follow in memory, but for the last Depth of k, where nothing need follow.
template <class S, int Lanes, bool kPairs>
struct Loader<S, Lanes, kAlongLanes, kPairs> {
  static constexpr bool direct = true;
  static constexpr int warps = S::threads / 32, across = Lanes / 32, pieces = S::depth / warps * across;
  static_assert(S::depth % warps == 0 && (warps % 4 == 0 || 4 % warps == 0) && Lanes % 32 == 0);
  using Held = Nothing;
  const float* from;
  std::int64_t step;
  int valid;

  static __device__ __forceinline__ int first_k() { return static_cast<int>(threadIdx.x / 32); }
  static __device__ __forceinline__ int first_lane() { return static_cast<int>(threadIdx.x % 32); }
  __device__ __forceinline__ Loader(const float* data, std::int64_t, std::int64_t k_stride, int valid_lanes)
      : from(data + first_k() * k_stride + first_lane()),
        step(warps * k_stride),
        valid(valid_lanes - first_lane()) {}
  __device__ __forceinline__ void fetch(Held&, int, int) {}
  __device__ __forceinline__ void put(const Held&, int, unsigned) const {}
  __device__ __forceinline__ void copy(int piece, int left, unsigned at) {
    const int j = piece / across, i = piece % across;
    const int there = left > S::depth ? Lanes : valid;
    copy4(at + (S::place(j * warps) + i * 32) * 4, from + i * 32,
          i * 32 < there && first_k() + j * warps < left);
    if (i + 1 == across) from += step;
  }
};

/// Neighbouring lanes, aligned to 16 bytes: cp.async takes them to shared memory, past the registers. Threads
/// may be left over: they copy nothing, and write no zeros either.
template <class S, int Lanes, bool kPairs>
struct Loader<S, Lanes, kVectors, kPairs> {
  static constexpr bool direct = true;
  static constexpr int across = Lanes / 4, together = S::threads / across / 4 * 4,
                       pieces = S::depth / together;
  static_assert(together > 0 && S::depth % together == 0);
  using Held = Nothing;
  const float* from;
  std::int64_t step;

  static __device__ __forceinline__ int first_k() { return static_cast<int>(threadIdx.x / across); }
  static __device__ __forceinline__ int first_lane() { return static_cast<int>(threadIdx.x % across * 4); }
  __device__ __forceinline__ Loader(const float* data, std::int64_t, std::int64_t k_stride, int valid)
      : from(data + first_k() * k_stride + min(first_lane(), (valid + 3) / 4 * 4 - 4)),
        step(together * k_stride) {}
  __device__ __forceinline__ void fetch(Held&, int, int) {}
  __device__ __forceinline__ void put(const Held&, int, unsigned) const {}
  __device__ __forceinline__ void copy(int piece, int left, unsigned at) {
    const bool mine = S::threads == together * across || first_k() < together;
    copy16(at + S::place(piece * together) * 4, from, mine && first_k() + piece * together < left);
    from += step;
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

/// Where a thread's elements are in the tile: row(i) for i < S::rows, in fours (and a pair),
/// column(j) for j < S::columns, in fours.
template <class S>
struct Where {
  int warp_row, warp_column, down, column0;
  __device__ __forceinline__ Where() {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    // Pairs of lanes lie across: 16-byte reads then meet no bank twice.
    const int across = (lane & 1) + lane / (2 * S::lane_rows) * 2;
    down = lane / 2 % S::lane_rows;
    warp_row = warp % S::warps_down * S::warp_rows;
    warp_column = warp / S::warps_down * S::warp_columns, column0 = warp_column + across * 4;
  }
  __device__ __forceinline__ int row(int i) const { return warp_row + S::row_of(i, down); }
  __device__ __forceinline__ int column(int j) const {
    return column0 + j / 4 * (S::lane_columns * 4) + j % 4;
  }
};

/// Where a thread's fragments of a step of k begin, in shared memory.
template <class S>
struct FragmentsAt {
  unsigned a, a_rest, b;
  __device__ __forceinline__ FragmentsAt(const Where<S>& where, unsigned base)
      : a(base + where.row(0) * 4),
        a_rest(base + where.row(S::fours * 4) * 4),
        b(base + (S::tile_rows + where.column0) * 4) {}
};

template <class S>
struct Fragments {
  float a[S::rows], b[S::columns];

  __device__ __forceinline__ void read_all(const FragmentsAt<S>& from, unsigned at) {
#pragma unroll
    for (int j = 0; j < S::columns; j += 4) take4(b + j, from.b + at + j * S::lane_columns * 4);
#pragma unroll
    for (int i = 0; i < S::fours * 4; i += 4) take4(a + i, from.a + at + i * S::lane_rows * 4);
    if constexpr (S::rest != 0) take2(a + S::fours * 4, from.a_rest + at);
  }
};

// A thread's elements in one step of k: rows (or columns) there and back. An operand then stays for the next
// multiplication, and the two others are left for the two banks of registers.
template <class S>
__device__ __forceinline__ void step(Sums<S>& sums, const Fragments<S>& f) {
  constexpr int sweeps = S::along_rows ? S::rows : S::columns, length = S::along_rows ? S::columns : S::rows;
#pragma unroll
  for (int number = 0; number < sweeps; ++number)
#pragma unroll
    for (int q = 0; q < length; ++q) {
      const int along = number % 2 ? length - 1 - q : q;
      const int i = S::along_rows ? number : along, j = S::along_rows ? along : number;
      sums.v[i][j] = __fmaf_rn(f.a[i], f.b[j], sums.v[i][j]);
    }
}

/// Passes the sums through the thread's own place in shared memory, neighbours along a sweep swapped. Vector
/// stores want their registers side by side: the sums' registers are then, through the whole of the loop
/// before, of the other bank than those of the fragment that is swept, and no multiplication waits for a
/// bank.
template <class S>
__device__ __forceinline__ void settle(Sums<S>& sums, const float* shared) {
  constexpr int sweeps = S::along_rows ? S::rows : S::columns, length = S::along_rows ? S::columns : S::rows;
  const unsigned at = address(shared) + threadIdx.x * 16;
  const auto sum = [&](int number, int along) -> float& {
    return S::along_rows ? sums.v[number][along] : sums.v[along][number];
  };
#pragma unroll
  for (int s = 0; s < sweeps; ++s) {
#pragma unroll
    for (int q = 0; q < length; q += 4)
      put4(at + q / 4 * S::threads * 16, sum(s, q + 1), sum(s, q), sum(s, q + 3), sum(s, q + 2));
#pragma unroll
    for (int q = 0; q < length; q += 4) {
      float x[4];
      take4(x, at + q / 4 * S::threads * 16);
      sum(s, q) = x[1], sum(s, q + 1) = x[0], sum(s, q + 2) = x[3], sum(s, q + 3) = x[2];
    }
  }
}

/// Tiles of k of both matrices, from device memory to registers to shared memory, piece by piece.
template <class S, class LoadA, class LoadB>
struct Feed {
  static constexpr int pieces = LoadA::pieces + LoadB::pieces;
  struct Held {
    typename LoadA::Held a[LoadA::pieces] = {};
    typename LoadB::Held b[LoadB::pieces] = {};
  };
  LoadA load_a;
  LoadB load_b;
  unsigned to_a, to_b;

  __device__ __forceinline__ Feed(const LoadA& a, const LoadB& b, unsigned base)
      : load_a(a),
        load_b(b),
        to_a(base + (S::place(LoadA::first_k()) + LoadA::first_lane()) * 4),
        to_b(base + (S::place(LoadB::first_k()) + S::tile_rows + LoadB::first_lane()) * 4) {}
  /// `left`: of k, from where the tile begins; none are fetched if it is not positive.
  __device__ __forceinline__ void fetch(Held& held, int piece, int left) {
    if (piece < LoadA::pieces)
      load_a.fetch(held.a[piece], piece, left);
    else
      load_b.fetch(held.b[piece - LoadA::pieces], piece - LoadA::pieces, left);
  }
  __device__ __forceinline__ void copy(int piece, int left, unsigned stage) {
    if (piece < LoadA::pieces)
      load_a.copy(piece, left, to_a + stage);
    else
      load_b.copy(piece - LoadA::pieces, left, to_b + stage);
  }
  __device__ __forceinline__ void put(const Held& held, int piece, unsigned stage) const {
    if (piece < LoadA::pieces)
      load_a.put(held.a[piece], piece, to_a + stage);
    else
      load_b.put(held.b[piece - LoadA::pieces], piece - LoadA::pieces, to_b + stage);
  }
};

/// sums = A B over `length` ascending k from where the loaders stand.
template <class S, class Meets, class LoadA, class LoadB>
__device__ __forceinline__ void accumulate(Sums<S>& sums, const LoadA& load_a, const LoadB& load_b,
                                           int length, float* shared) {
  using Feeding = Feed<S, LoadA, LoadB>;
  constexpr unsigned stage_bytes = S::stage_floats * 4;
  const auto after = [](unsigned stage) {
    return stage == (Meets::stages - 1) * stage_bytes ? 0 : stage + stage_bytes;
  };
  const unsigned base = address(shared);
  Feeding feed(load_a, load_b, base);
  typename Feeding::Held held;
  Meets meeting(base);
  {
    typename Feeding::Held first, second;
#pragma unroll
    for (int i = 0; i < Feeding::pieces; ++i) feed.copy(i, length, 0);
    commit();
#pragma unroll
    for (int i = 0; i < Feeding::pieces; ++i) feed.copy(i, length - S::depth, stage_bytes);
    commit();
#pragma unroll
    for (int i = 0; i < Feeding::pieces; ++i) feed.fetch(first, i, length);
#pragma unroll
    for (int i = 0; i < Feeding::pieces; ++i) feed.fetch(second, i, length - S::depth);
#pragma unroll
    for (int i = 0; i < Feeding::pieces; ++i) feed.fetch(held, i, length - 2 * S::depth);
#pragma unroll
    for (int i = 0; i < Feeding::pieces; ++i) feed.put(first, i, 0);
#pragma unroll
    for (int i = 0; i < Feeding::pieces; ++i) feed.put(second, i, stage_bytes);
  }
  sums.clear();
  wait<1>();
  __syncthreads();
  const FragmentsAt<S> from(Where<S>(), base);
  Fragments<S> f[S::ahead + 1];
#pragma unroll
  for (int u = 0; u < S::ahead; ++u) f[u].read_all(from, S::place(u) * 4);
  static_assert((Feeding::pieces - 1) / 4 <= Meets::comes);
  unsigned stage = 0, filling = 2 * stage_bytes;
#pragma unroll 1
  for (; length >= S::depth; length -= S::depth) {
    const unsigned following = after(stage);
#pragma unroll
    for (int k = 0; k < S::depth; ++k) {
      const int wanted = k + S::ahead;
      const unsigned at =
          wanted < S::depth ? stage + S::place(wanted) * 4 : following + S::place(wanted - S::depth) * 4;
      if (wanted == S::depth - 2) meeting.look();
      if (wanted == S::depth) meeting.wait_for_all();
      f[wanted % (S::ahead + 1)].read_all(from, at);
      // Each piece goes to a stage that nobody reads any more. What passes through registers was fetched a
      // tile's time ago.
#pragma unroll
      for (int i = 0; i < Feeding::pieces; ++i) {
        const bool direct = i < LoadA::pieces ? LoadA::direct : LoadB::direct;
        if (direct && i / 4 == k) feed.copy(i, length - 2 * S::depth, filling);
        if (!direct && i * (S::depth - S::ahead) / Feeding::pieces == k) {
          feed.put(held, i, filling);
          feed.fetch(held, i, length - 3 * S::depth);
        }
      }
      if (k == Meets::comes) meeting.come();
      step<S>(sums, f[k % (S::ahead + 1)]);
    }
    stage = following;
    filling = after(filling);
  }
  wait<0>();
  __syncthreads();
#pragma unroll 1
  for (int k = 0; k < length; ++k) {
    f[0].read_all(from, stage + S::place(k) * 4);
    step<S>(sums, f[0]);
  }
  __syncthreads();
  meeting.end();
}

}  // namespace assay::kernels::gemm_device
