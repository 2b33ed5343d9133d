// R1 on CUDA. Rows: lanes own leaves, warps own blocks, thread blocks own chunks of blocks. Columns: as
// columns.cuh. What is cut into chunks is joined by a second kernel.
#include <algorithm>
#include <cuda_runtime.h>
#include <type_traits>

#include "kernels/core/after.cuh"
#include "kernels/core/launch.hpp"
#include "kernels/reduce/columns.cuh"
#include "kernels/reduce/finish.cuh"
#include "kernels/reduce/partials.cuh"
#include "kernels/reduce/reduce_cuda.hpp"
#include "kernels/reduce/terms.hpp"
#include "kernels/reduce/tree.cuh"

namespace assay::kernels {

namespace {

constexpr int kWarps = 8, kShortThreads = 256;
constexpr int kResident = 4;      ///< thread blocks that a processor has at least, where they wait for memory
constexpr int kChunkBlocks = 64;  ///< at most; what join_blocks takes

__device__ __noinline__ float rare_term(const Recipe& recipe, float x, float centre) {
  return term_of(recipe, x, centre);
}

__device__ __noinline__ std::int64_t rare_place(const ReducePlan& plan, std::int64_t row) {
  return offset_at(row, plan.rank, plan.size, plan.stride);
}

/// Joins `count` rounds of four elements to a lane's four leaves; the branch is the same for all lanes.
template <Map M, Join J, int Rounds>
__device__ __forceinline__ void join_rounds(const float (&x)[Rounds][4], int rounds, float centre,
                                            float (&leaf)[4]) {
  Recipe recipe;
  recipe.map = M;
#pragma unroll
  for (int k = 0; k < Rounds; ++k)
    if (k < rounds)
#pragma unroll
      for (int c = 0; c < 4; ++c) leaf[c] = join_terms(J, leaf[c], term_of(recipe, x[k][c], centre));
}

/// Extremes of numbers, put into their order at the end: one instruction an element. A lane without elements
/// joins an infinity that changes nothing.
template <bool Largest, bool Absolute, int Rounds>
__device__ __forceinline__ void join_extremes(const float (&x)[Rounds][4], int rounds, float (&leaf)[4]) {
#pragma unroll
  for (int c = 0; c < 4; ++c) {
    float best = Largest ? -math::infinity() : math::infinity();
#pragma unroll
    for (int k = 0; k < Rounds; ++k) {
      if (k >= rounds) continue;
      const float v = Absolute ? math::magnitude(x[k][c]) : x[k][c];
      best = Largest ? largest_of(best, v) : smallest_of(best, v);
    }
    leaf[c] = join_terms(Largest ? Join::largest : Join::smallest, leaf[c],
                         Largest ? largest_key(best) : smallest_key(best));
  }
}

template <int Rounds>
__device__ __forceinline__ void join_all(const Recipe& recipe, const float (&x)[Rounds][4], int rounds,
                                         float centre, float (&leaf)[4]) {
  switch (recipe.map) {
    case Map::identity:
      if (recipe.join == Join::add)
        join_rounds<Map::identity, Join::add>(x, rounds, centre, leaf);
      else
        join_rounds<Map::identity, Join::multiply>(x, rounds, centre, leaf);
      return;
    case Map::absolute:
      return join_rounds<Map::absolute, Join::add>(x, rounds, centre, leaf);
    case Map::square:
      return join_rounds<Map::square, Join::add>(x, rounds, centre, leaf);
    case Map::deviation:
      return join_rounds<Map::deviation, Join::add>(x, rounds, centre, leaf);
    case Map::nonzero:
      return join_rounds<Map::nonzero, Join::add>(x, rounds, centre, leaf);
    case Map::largest:
      return join_extremes<true, false>(x, rounds, leaf);
    case Map::smallest:
      return join_extremes<false, false>(x, rounds, leaf);
    case Map::largest_absolute:
      return join_extremes<true, true>(x, rounds, leaf);
    default:
      return join_extremes<false, true>(x, rounds, leaf);
  }
}

/// What a kernel that takes every recipe asks while it runs.
struct Asked {
  template <int Rounds>
  static __device__ __forceinline__ void join(const Recipe& recipe, const float (&x)[Rounds][4], int rounds,
                                              float centre, float (&leaf)[4]) {
    join_all(recipe, x, rounds, centre, leaf);
  }
  template <typename F>
  static __device__ __forceinline__ float with(Join join, F&& f) {
    return with_join(join, f);
  }
};
/// The same of one recipe, known when the kernel is compiled: it needs fewer registers.
template <Map M, Join J>
struct Known {
  template <int Rounds>
  static __device__ __forceinline__ void join(const Recipe&, const float (&x)[Rounds][4], int rounds,
                                              float centre, float (&leaf)[4]) {
    if constexpr (kAnyOrder<J>)
      join_extremes<J == Join::largest, false>(x, rounds, leaf);
    else
      join_rounds<M, J>(x, rounds, centre, leaf);
  }
  template <typename F>
  static __device__ __forceinline__ float with(Join, F&& f) {
    return f(std::integral_constant<Join, J>{});
  }
};

/// A lane's leaves of one block whose rows are 4-element aligned and contiguous (or made of such pieces);
/// count is a multiple of 4.
template <typename T, bool kPieces, typename Way = Asked>
struct Packed {
  static constexpr int kRounds = static_cast<int>(kBlock / kLeaves);
  static __device__ __forceinline__ void leaves(const ReduceJob& job, std::int64_t row, std::int64_t begin,
                                                int count, int lane, float centre, float (&leaf)[4]) {
    const T* p = static_cast<const T*>(job.in) + row + (kPieces ? 0 : begin + 4 * lane);
    const auto place = [&](int k) {
      const std::int64_t at = k * static_cast<int>(kLeaves);
      return kPieces ? offset_at(begin + 4 * lane + at, job.plan.rank, job.plan.size, job.plan.stride) : at;
    };
    const auto join = [&](int rounds) {
      float x[kRounds][4];
#pragma unroll
      for (int k = 0; k < kRounds; ++k)
        if (k < rounds) load_four(x[k], p + place(k));
      Way::join(job.recipe, x, rounds, centre, leaf);
    };
    if (count == kBlock) return join(kRounds);  // known when compiled
    const int mine = count - 4 * lane;
    join(mine <= 0 ? 0 : (mine + static_cast<int>(kLeaves) - 1) / static_cast<int>(kLeaves));
  }
};

/// Any type and strides, and maps that are too long to be unrolled.
struct Any {
  static __device__ __forceinline__ void leaves(const ReduceJob& job, std::int64_t row, std::int64_t begin,
                                                int count, int lane, float centre, float (&leaf)[4]) {
    constexpr int kRound = static_cast<int>(kLeaves),
                  kAtOnce = 2;  // rounds that are read before they are used
    for (int k = 4 * lane; k < count; k += kAtOnce * kRound) {
      float x[kAtOnce][4];
#pragma unroll
      for (int t = 0; t < kAtOnce; ++t)
#pragma unroll
        for (int c = 0; c < 4; ++c)
          if (const int i = k + t * kRound + c; i < count)
            x[t][c] = load_number(job.in, job.in_type,
                                  row + offset_at(begin + i, job.plan.rank, job.plan.size, job.plan.stride));
#pragma unroll
      for (int t = 0; t < kAtOnce; ++t)
#pragma unroll
        for (int c = 0; c < 4; ++c)
          if (k + t * kRound + c < count)
            leaf[c] = join_terms(job.recipe.join, leaf[c], rare_term(job.recipe, x[t][c], centre));
    }
  }
};

/// Rows of at most one block: `lanes` lanes each.
template <typename Source>
__global__ void __launch_bounds__(kShortThreads, kResident)
    short_rows(const __grid_constant__ ReduceJob job, int lanes) {
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::int64_t kept = thread >> (__ffs(lanes) - 1);
  const int lane = static_cast<int>(thread) & (lanes - 1);
  float leaf[4];
#pragma unroll
  for (int c = 0; c < 4; ++c) leaf[c] = neutral_of(job.recipe.join);
  if (kept < job.plan.kept) {
    const std::int64_t row = offset_at(kept, job.plan.kept_rank, job.plan.kept_size, job.plan.kept_in);
    Source::leaves(job, row, 0, static_cast<int>(job.plan.n), lane, job.centre ? job.centre[kept] : 0, leaf);
  }
  const float value =
      with_join(job.recipe.join, [&](auto j) { return halve_lanes<j.value>(leaf, lane, lanes); });
  if (kept < job.plan.kept && lane == 0) finish_kept(job, kept, job.plan.n > 0 ? value : job.recipe.empty);
}

/// Longer rows: a thread block takes one chunk, its warps blocks of it in turn.
template <typename Source, typename Way>
__global__ void __launch_bounds__(kWarps * 32, std::is_same_v<Way, Asked> ? 1 : kResident)
    long_rows(const __grid_constant__ ReduceJob job) {
  __shared__ float sums[kChunkBlocks];
  let_next_begin();
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const std::int64_t kept = job.plan.kept == 1 ? 0 : quotient_of(blockIdx.x, job.chunks),
                     chunk = blockIdx.x - kept * job.chunks;
  const std::int64_t row = offset_at(kept, job.plan.kept_rank, job.plan.kept_size, job.plan.kept_in);
  const float centre = job.centre ? job.centre[kept] : 0;
  for (int b = threadIdx.x; b < kChunkBlocks; b += blockDim.x) sums[b] = neutral_of(job.recipe.join);
  __syncthreads();
  const std::int64_t begin = chunk * job.chunk;
  const std::int64_t end = begin + job.chunk < job.plan.n ? begin + job.chunk : job.plan.n;
  for (std::int64_t at = begin + warp * kBlock; at < end; at += blockDim.x / 32 * kBlock) {
    const int count = static_cast<int>(end - at < kBlock ? end - at : kBlock);
    float leaf[4];
#pragma unroll
    for (int c = 0; c < 4; ++c) leaf[c] = neutral_of(job.recipe.join);
    Source::leaves(job, row, at, count, lane, centre, leaf);
    const float value = Way::with(job.recipe.join, [&](auto j) { return halve_warp<j.value>(leaf, lane); });
    if (lane == 0) sums[(at - begin) / kBlock] = value;
  }
  __syncthreads();
  if (warp > 0) return;
  const float value = Way::with(job.recipe.join, [&](auto j) { return join_blocks<j.value>(sums, lane); });
  if (lane == 0) finish_chunk(job, kept, chunk, value);
}

template <class Way, typename T, Map M, Join J>
__device__ void column_chunk(const ReduceJob& job) {
  __shared__ typename Way::Shared shared;
  Recipe recipe;
  recipe.map = M;
  const ReducePlan& plan = job.plan;
  const int inner = plan.kept_rank - 1;
  const std::int64_t columns = plan.kept_size[inner];
  const std::int64_t item = quotient_of(blockIdx.x, job.chunks), chunk = blockIdx.x - item * job.chunks;
  const std::int64_t outer = item / job.tiles,
                     column = (item - outer * job.tiles) * Way::columns + threadIdx.x;
  const bool there = column < columns;
  const std::int64_t kept = outer * columns + column;
  const T* in =
      static_cast<const T*>(job.in) + column + offset_at(outer, inner, plan.kept_size, plan.kept_in);
  const float centre = there && job.centre ? job.centre[kept] : 0;
  const std::int64_t begin = chunk * job.chunk;
  const std::int64_t end = begin + job.chunk < plan.n ? begin + job.chunk : plan.n;
  const RowPlaces places(plan);
  const auto place = [&](std::int64_t row) { return places.known ? places.at(row) : rare_place(plan, row); };
  DeviceTree<J> tree;
  for (std::int64_t at = begin; at < end; at += kBlock) {
    const int count = static_cast<int>(end - at < kBlock ? end - at : kBlock);
    const auto raw = [&](int r) { return in[place(at + r)]; };
    const auto term = [&](T v) {
      if constexpr (sizeof(T) == 2)
        return term_of(recipe, from_bf16(v), centre);
      else
        return term_of(recipe, v, centre);
    };
    tree.push(Way::template block<J>(count, there, shared, raw, term));
  }
  if (threadIdx.y > 0 || !there) return;
  finish_chunk(job, kept, chunk, tree.top(job.recipe.empty));
}

template <class Way, typename T>
__global__ void __launch_bounds__(Way::threads) columns(const __grid_constant__ ReduceJob job) {
  switch (job.recipe.map) {
    case Map::identity:
      if (job.recipe.join == Join::add)
        column_chunk<Way, T, Map::identity, Join::add>(job);
      else
        column_chunk<Way, T, Map::identity, Join::multiply>(job);
      return;
    case Map::square:
      return column_chunk<Way, T, Map::square, Join::add>(job);
    case Map::deviation:
      return column_chunk<Way, T, Map::deviation, Join::add>(job);
    case Map::largest:
      return column_chunk<Way, T, Map::largest, Join::largest>(job);
    default:
      return column_chunk<Way, T, Map::smallest, Join::smallest>(job);
  }
}

constexpr int kFewChunks = 64;

/// Joins an output's partials when they are few: a warp each.
__global__ void __launch_bounds__(kWarps * 32) join_few(const __grid_constant__ ReduceJob job) {
  wait_for_previous();
  const std::int64_t kept = static_cast<std::int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32;
  if (kept >= job.plan.kept) return;
  const Join join = job.recipe.join;
  const int lane = threadIdx.x & 31;
  const float* partial = job.partials + kept * job.chunks;
  const auto at = [&](int i) { return i < job.chunks ? partial[i] : neutral_of(join); };
  const float v = job.chunks > 32 ? join_terms(join, at(2 * lane), at(2 * lane + 1)) : at(lane);
  const float joined = with_join(join, [&](auto j) { return join_lanes<j.value>(v); });
  if (lane == 0) finish_kept(job, kept, joined);
}

/// Joins an output's partials when they are many: a thread block each.
__global__ void __launch_bounds__(kJoiners) join_partials(const __grid_constant__ ReduceJob job) {
  wait_for_previous();
  const float* partials = job.partials + blockIdx.x * job.chunks;
  const float value =
      with_join(job.recipe.join, [&](auto j) { return join_many<j.value>(partials, job.chunks); });
  if (threadIdx.x == 0) finish_kept(job, blockIdx.x, value);
}

__global__ void copy_centres(const __grid_constant__ ReduceJob job) {
  const std::int64_t kept = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (kept < job.plan.kept)
    store_number(job.second, job.second_type,
                 offset_at(kept, job.plan.kept_rank, job.plan.kept_size, job.plan.kept_second),
                 job.centre[kept]);
}

enum class Rows { packed, pieces, any };

/// Packed: every row begins at a multiple of four elements of aligned memory and has a multiple of four
/// elements. In pieces: that holds of each piece.
Rows rows_of(const ReduceJob& job) {
  const ReducePlan& plan = job.plan;
  const auto address = reinterpret_cast<std::uintptr_t>(job.in);
  bool fours = plan.rank > 0 && plan.stride[plan.rank - 1] == 1 && plan.size[plan.rank - 1] % 4 == 0 &&
               address % static_cast<std::uintptr_t>(4 * size_of(job.in_type)) == 0;
  for (int d = 0; d < plan.rank - 1; ++d) fours = fours && plan.stride[d] % 4 == 0;
  for (int d = 0; d < plan.kept_rank; ++d) fours = fours && plan.kept_in[d] % 4 == 0;
  const bool taken = (job.in_type == Type::f32 || job.in_type == Type::bf16) &&
                     job.recipe.map != Map::power && job.recipe.map != Map::shifted_exp;
  if (!fours || !taken || other_launches()) return Rows::any;
  return plan.rank == 1 ? Rows::packed : Rows::pieces;
}

bool by_columns(const ReduceJob& job) {
  return has_contiguous_columns(job.plan) && job.plan.n > 1 &&
         job.plan.kept_size[job.plan.kept_rank - 1] >= 8 && !has_contiguous_rows(job.plan) &&
         (job.in_type == Type::f32 || job.in_type == Type::bf16) && has_columns(job.recipe.map);
}

template <template <typename> typename Launch>
void launch_source(const ReduceJob& job, unsigned grid, unsigned threads, int lanes, cudaStream_t stream) {
  const bool narrow = job.in_type == Type::bf16;
  switch (rows_of(job)) {
    case Rows::packed:
      return narrow ? Launch<Packed<std::uint16_t, false>>::go(job, grid, threads, lanes, stream)
                    : Launch<Packed<float, false>>::go(job, grid, threads, lanes, stream);
    case Rows::pieces:
      return narrow ? Launch<Packed<std::uint16_t, true>>::go(job, grid, threads, lanes, stream)
                    : Launch<Packed<float, true>>::go(job, grid, threads, lanes, stream);
    default:
      return Launch<Any>::go(job, grid, threads, lanes, stream);
  }
}
template <typename Source>
struct ShortRows {
  static void go(const ReduceJob& job, unsigned grid, unsigned threads, int lanes, cudaStream_t stream) {
    short_rows<Source><<<grid, threads, 0, stream>>>(job, lanes);
  }
};
template <typename Source>
struct LongRows {
  static void go(const ReduceJob& job, unsigned grid, unsigned threads, int, cudaStream_t stream) {
    long_rows<Source, Asked><<<grid, threads, 0, stream>>>(job);
  }
};
template <typename T, Map M, Join J>
void launch_known(const ReduceJob& job, unsigned grid, unsigned threads, cudaStream_t stream) {
  using Way = Known<M, J>;
  long_rows<Packed<T, false, Way>, Way><<<grid, threads, 0, stream>>>(job);
}
/// Rows of one piece: sums and extremes have kernels of their own.
template <typename T>
struct LongRows<Packed<T, false>> {
  static void go(const ReduceJob& job, unsigned grid, unsigned threads, int, cudaStream_t stream) {
    const Map map = job.recipe.map;
    if (map == Map::identity && job.recipe.join == Join::add)
      launch_known<T, Map::identity, Join::add>(job, grid, threads, stream);
    else if (map == Map::largest)
      launch_known<T, Map::largest, Join::largest>(job, grid, threads, stream);
    else if (map == Map::smallest)
      launch_known<T, Map::smallest, Join::smallest>(job, grid, threads, stream);
    else
      long_rows<Packed<T, false>, Asked><<<grid, threads, 0, stream>>>(job);
  }
};

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Chunks of `most` blocks at most, fewer while that makes less than `enough` of them.
void cut(ReduceJob& job, std::int64_t items, std::int64_t most, std::int64_t least, std::int64_t enough) {
  std::int64_t blocks = most;
  while (blocks > least && items * ceil_div(job.plan.n, blocks * kBlock) < enough) blocks /= 2;
  if (other_launches()) blocks = blocks == least ? most : least;
  job.chunk = blocks * kBlock;
  job.chunks = std::max<std::int64_t>(ceil_div(job.plan.n, job.chunk), 1);
}

Status take_partials(ReduceJob& job, const Place& place) {
  if (job.chunks == 1) return Status::ok;
  job.partials =
      static_cast<float*>(place.workspace->take(static_cast<std::size_t>(job.plan.kept * job.chunks) * 4));
  return job.partials ? Status::ok : Status::out_of_memory;
}

Status join_chunks(const ReduceJob& job, cudaStream_t stream) {
  if (job.chunks == 1) return Status::ok;
  if (job.chunks <= kFewChunks && job.plan.kept > 1) {
    launch_early(join_few, static_cast<unsigned>(ceil_div(job.plan.kept, kWarps)), kWarps * 32, stream, job);
    return Status::ok;
  }
  launch_early(join_partials, static_cast<unsigned>(job.plan.kept), kJoiners, stream, job);
  return Status::ok;
}

constexpr std::int64_t kGrid = 0x7fffffff;

Status run_wide_columns(ReduceJob job, const Place& place, cudaStream_t stream) {
  const bool narrow = job.in_type == Type::bf16, by_ring = cuda::takes_column_ring(job);
  const std::int64_t columns = !by_ring ? kWideColumns
                               : narrow ? kRingColumns<std::uint16_t>
                                        : kRingColumns<float>;
  const std::int64_t enough = narrow && !by_ring ? 256 : 128;  // two or one a processor
  job.tiles = ceil_div(job.plan.kept, columns);
  std::int64_t blocks = 16;
  while (blocks > 1 && job.tiles * ceil_div(job.plan.n, blocks * kBlock) < enough) blocks /= 2;
  job.chunk = blocks * kBlock;
  job.chunks = ceil_div(job.plan.n, job.chunk);
  if (job.tiles * job.chunks > kGrid) return Status::bad_shape;
  if (const Status status = take_partials(job, place); status != Status::ok) return status;
  const Status launched =
      by_ring ? cuda::launch_column_ring(job, stream) : cuda::launch_wide_columns(job, stream);
  if (launched != Status::ok) return launched;
  return join_chunks(job, stream);
}

template <class Way>
Status run_columns(ReduceJob job, const Place& place, cudaStream_t stream) {
  const std::int64_t inner = job.plan.kept_size[job.plan.kept_rank - 1];
  job.tiles = ceil_div(inner, Way::columns);
  const std::int64_t items = job.plan.kept / inner * job.tiles;
  cut(job, items, std::int64_t{1} << 20, 1, 1024);
  if (items * job.chunks > kGrid) return Status::bad_shape;
  if (const Status status = take_partials(job, place); status != Status::ok) return status;
  const dim3 threads(Way::columns, Way::rows);
  if (job.in_type == Type::bf16)
    columns<Way, std::uint16_t><<<static_cast<unsigned>(items * job.chunks), threads, 0, stream>>>(job);
  else
    columns<Way, float><<<static_cast<unsigned>(items * job.chunks), threads, 0, stream>>>(job);
  return join_chunks(job, stream);
}

Status run_rows(ReduceJob job, const Place& place, cudaStream_t stream) {
  if (job.plan.n <= kBlock) {
    int lanes = 1;
    while (lanes < 32 && (lanes * 4 < job.plan.n || other_launches())) lanes *= 2;
    const std::int64_t grid = ceil_div(job.plan.kept * lanes, kShortThreads);
    if (grid > kGrid) return Status::bad_shape;
    launch_source<ShortRows>(job, static_cast<unsigned>(grid), kShortThreads, lanes, stream);
    return Status::ok;
  }
  cut(job, job.plan.kept, kChunkBlocks, kWarps, job.plan.kept == 1 ? kFewPartials : 1024);
  if (job.plan.kept * job.chunks > kGrid) return Status::bad_shape;
  if (const Status status = take_partials(job, place); status != Status::ok) return status;
  const std::int64_t warps =
      other_launches() ? 1 : std::min<std::int64_t>(kWarps, ceil_div(job.plan.n, kBlock));
  launch_source<LongRows>(job, static_cast<unsigned>(job.plan.kept * job.chunks),
                          static_cast<unsigned>(warps) * 32, 32, stream);
  return join_chunks(job, stream);
}

Status run_pass(const ReduceJob& job, const Place& place, cudaStream_t stream) {
  if (cuda::takes_wide_columns(job) && !other_launches()) return run_wide_columns(job, place, stream);
  if (!by_columns(job)) return run_rows(job, place, stream);
  if (cuda::takes_short_columns(job) && !other_launches()) return cuda::launch_short_columns(job, stream);
  return few_columns(job.plan.kept, job.plan.n) ? run_columns<FewColumns>(job, place, stream)
                                                : run_columns<ManyColumns>(job, place, stream);
}

Status find_centres(ReduceJob& job, const Place& place, cudaStream_t stream) {
  auto* centre = static_cast<float*>(place.workspace->take(static_cast<std::size_t>(job.plan.kept) * 4));
  if (!centre) return Status::out_of_memory;
  ReduceJob first = job;
  first.recipe = job.first;
  first.out = centre;
  first.out_type = Type::f32;
  std::int64_t stride = 1;
  for (int d = first.plan.kept_rank - 1; d >= 0; --d) {
    first.plan.kept_out[d] = stride;
    stride *= first.plan.kept_size[d];
  }
  if (const Status status = run_pass(first, place, stream); status != Status::ok) return status;
  job.centre = centre;
  if (job.second) copy_centres<<<static_cast<unsigned>(ceil_div(job.plan.kept, 256)), 256, 0, stream>>>(job);
  return Status::ok;
}

}  // namespace

Status cuda::reduce(const ReduceJob& given, const Place& place) {
  const auto stream = static_cast<cudaStream_t>(place.stream);
  ReduceJob job = given;
  if (takes_one_read(job) && !other_launches()) return run_one_read(job, stream);
  if (job.centred)
    if (const Status status = find_centres(job, place, stream); status != Status::ok) return status;
  if (const Status status = run_pass(job, place, stream); status != Status::ok) return status;
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace assay::kernels
