// Rows of 8, 16, 32, 64 or 128 elements, eight a lane: what a row costs beside its elements is shared by
// twice as many as where a lane has four. Of bf16 they are neighbours, which one instruction reads; of fp32
// four neighbours in each half of the row.
#pragma once

#include "kernels/core/halved.cuh"
#include "kernels/reduce/fused_parts.cuh"

namespace assay::kernels::fused_rows {

inline constexpr int kEightThreads = 128;
inline constexpr int kEight = 8;
using Eight = float[kEight];

/// Which elements a lane has: the first, and the first of the second four.
template <typename T>
struct Spot {
  int first, second;
  __device__ __forceinline__ Spot(int lane, int lanes) {
    constexpr bool kNeighbours = sizeof(T) == 2;
    first = kNeighbours ? kEight * lane : kFour * lane;
    second = first + (kNeighbours ? kFour : kFour * lanes);
  }
};

__device__ __forceinline__ void load_eight_once(Eight& x, const std::uint16_t* row,
                                                const Spot<std::uint16_t>& spot) {
  uint4 words;
  asm volatile("ld.global.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(words.x), "=r"(words.y), "=r"(words.z), "=r"(words.w)
               : "l"(row + spot.first));
  widen(x, words);
}
__device__ __forceinline__ void load_eight_once(Eight& x, const float* row, const Spot<float>& spot) {
  float half[2][kFour];
  load_four_once(half[0], row + spot.first);
  load_four_once(half[1], row + spot.second);
#pragma unroll
  for (int c = 0; c < kEight; ++c) x[c] = half[c / kFour][c % kFour];
}

/// `odd`: there is a NaN.
__device__ __forceinline__ void store_eight(std::uint16_t* row, const Spot<std::uint16_t>& spot, Eight& v,
                                            bool odd) {
  *reinterpret_cast<uint4*>(row + spot.first) = pack_eight(v, odd);
}
__device__ __forceinline__ void store_eight(float* row, const Spot<float>& spot, Eight& v, bool odd) {
  if (odd)
#pragma unroll
    for (int c = 0; c < kEight; ++c) v[c] = canonical(v[c]);
  store_together(row + spot.first, v[0], v[1], v[2], v[3]);
  store_together(row + spot.second, v[4], v[5], v[6], v[7]);
}

/// Values of a weight or bias beside a lane's elements, aligned for four at once; `absent` where there is
/// none.
template <typename T>
__device__ __forceinline__ void load_columns(Eight& w, const void* data, Type type, const Spot<T>& spot,
                                             float absent) {
  float half[2][kFour];
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int column = h ? spot.second : spot.first;
    if (!data)
#pragma unroll
      for (int c = 0; c < kFour; ++c) half[h][c] = absent;
    else
      load_four_columns(half[h], data, type, column);
  }
#pragma unroll
  for (int c = 0; c < kEight; ++c) w[c] = half[c / kFour][c % kFour];
}

/// The leaves of `lanes` neighbouring lanes, eight each, to the row's value, in each of them.
template <typename R, typename T>
__device__ __forceinline__ float halved_eights(int pass, Eight& v, int lane, int lanes) {
  using D = OnDevice<R>;
  const auto join = [&](float a, float b) { return D::join(pass, a, b); };
  if (D::any_order(pass)) {
    float a = kernels::halved(v, join);
#pragma unroll
    for (int o = lanes / 2; o > 0; o /= 2) a = join(a, __shfl_xor_sync(kAllLanes, a, o));
    return a;
  }
  constexpr int kLeft = sizeof(T) == 2 ? kEight : kFour;
  float left[kLeft];
#pragma unroll
  for (int c = 0; c < kLeft; ++c) left[c] = sizeof(T) == 2 ? v[c] : join(v[c], v[(c + kFour) % kEight]);
  if (lanes == 16) return sum_of_sixteen(left, lane);
#pragma unroll
  for (int o = lanes / 2; o > 0; o /= 2)
#pragma unroll
    for (int c = 0; c < kLeft; ++c) left[c] = join(left[c], __shfl_xor_sync(kAllLanes, left[c], o));
  return kernels::halved(left, join);
}

/// Terms, and the row's value of them. What is kept for the result takes the elements' place.
template <typename R, typename T>
__device__ __forceinline__ float row_value(const FusedJob& job, int pass, int lane, int lanes,
                                           const RowState& row, Eight& x, const Eight& y) {
  using D = OnDevice<R>;
  Eight w, term;
  load_columns(w, R::kColumns && R::kInputs > 1 ? job.weight : nullptr, job.weight_type, Spot<T>(lane, lanes),
               1);
#pragma unroll
  for (int c = 0; c < kEight; ++c) {
    term[c] = D::term(pass, x[c], y[c], w[c], row);
    if (R::kKeeps && pass == R::kPasses - 1) x[c] = term[c];
  }
  return halved_eights<R, T>(pass, term, lane, lanes);
}

template <typename R, typename T>
__device__ __forceinline__ void row_results(const FusedJob& job, const Spot<T>& spot, const RowState& row,
                                            const Eight& x, const Eight& y, Eight& v) {
  constexpr bool kBias = R::kColumns && R::kInputs == 1;
  Eight w, b;
  load_columns(w, R::kColumns ? job.weight : nullptr, job.weight_type, spot, 1);
  load_columns(b, kBias ? job.bias : nullptr, job.bias_type, spot, kBias ? float_of(0x80000000u) : 0);
  std::int64_t here[kEight];
#pragma unroll
  for (int c = 0; c < kEight; ++c) here[c] = (c < kFour ? spot.first : spot.second) + c % kFour;
  OnDevice<R>::results(x, y, w, b, x, here, row, v);
}

template <typename R>
inline constexpr int kEightRows = R::kWrites ? 2 : 4;  ///< that each group of lanes has at once
template <typename R>
inline constexpr int kEightBlocks = R::kInputs > 1 ? 8
                                    : R::kWrites   ? 10
                                                   : 8;  ///< of a processor, at least

/// kLanes: those of a row, whose rows are evenly spaced; 0: the layout says how many, and rows lie anywhere.
template <typename R, typename T, int kLanes>
__global__ void __launch_bounds__(kEightThreads, kEightBlocks<R>)
    eights_kernel(const __grid_constant__ FusedJob job, const __grid_constant__ Layout layout) {
  using D = OnDevice<R>;
  constexpr int kRows = kEightRows<R>;
  const int lanes = kLanes ? kLanes : layout.lanes, each = __ffs(lanes) - 1;
  const int lane = threadIdx.x & (lanes - 1), group = threadIdx.x >> each, groups = kEightThreads >> each;
  const std::int64_t block = static_cast<std::int64_t>(blockIdx.x) * (groups * kRows), first = block + group;
  const int left = static_cast<int>(min(job.rows.count - block, std::int64_t{kEightThreads * kRows}));
  const auto index = [&](int q) { return first + q * groups; };
  const auto there = [&](int q) { return group + q * groups < left; };
  const RowsApart<kLanes != 0> rows(job.rows, first, groups);
  const Spot<T> spot(lane, lanes);
  Eight x[kRows] = {}, y[kRows] = {};  // of a row that is not there: something to compute with
  RowState row[kRows];
#pragma unroll
  for (int q = 0; q < kRows; ++q) {
    if (!there(q)) continue;
    D::begin(job, index(q), row[q]);
    load_eight_once(x[q], static_cast<const T*>(job.x) + rows.at(0, q), spot);
    if constexpr (R::kInputs > 1) load_eight_once(y[q], static_cast<const T*>(job.y) + rows.at(1, q), spot);
  }
#pragma unroll
  for (int pass = 0; pass < R::kPasses; ++pass)
#pragma unroll
    for (int q = 0; q < kRows; ++q)
      D::end_pass(job, pass, row_value<R, T>(job, pass, lane, lanes, row[q], x[q], y[q]), row[q]);
  if constexpr (R::kWrites) {
#pragma unroll
    for (int q = 0; q < kRows; ++q) {
      Eight v;
      row_results<R>(job, spot, row[q], x[q], y[q], v);
      if (there(q)) store_eight(static_cast<T*>(job.out) + rows.at(2, q), spot, v, D::odd(v));
    }
  }
  if (lanes < kRows) {
#pragma unroll
    for (int q = 0; q < kRows; ++q)
      if (there(q) && lane == 0) D::save(job, index(q), row[q]);
    return;
  }
  RowState mine = row[0];
#pragma unroll
  for (int q = 1; q < kRows; ++q) mine = lane == q ? row[q] : mine;
  if (lane < kRows && there(lane)) D::save(job, index(lane), mine);
}

/// Whether rows are such, and aligned.
template <typename R>
bool in_eights(const FusedJob& job) {
  const std::int64_t n = job.rows.n;
  return !other_launches() && are_alike<R>(job) && n >= kEight && n <= kLeaves && (n & (n - 1)) == 0 &&
         is_packed(job, R::kInputs, R::kWrites, job.x_type == Type::bf16 ? kEight : kFour);
}

template <typename R>
Status launch_eights(const FusedJob& job, cudaStream_t stream) {
  Layout layout;
  layout.lanes = static_cast<int>(job.rows.n / kEight);
  const std::int64_t rows = kEightThreads / layout.lanes * kEightRows<R>;
  const std::int64_t blocks = (job.rows.count + rows - 1) / rows;
  if (blocks > 0x7fffffff) return Status::bad_shape;
  const auto grid = static_cast<unsigned>(blocks);
  const auto go = [&](auto lanes) {
    if (job.x_type == Type::bf16)
      eights_kernel<R, std::uint16_t, lanes.value><<<grid, kEightThreads, 0, stream>>>(job, layout);
    else
      eights_kernel<R, float, lanes.value><<<grid, kEightThreads, 0, stream>>>(job, layout);
  };
  constexpr int kMostLanes = kLeaves / kEight;
  if (layout.lanes == kMostLanes && job.rows.rank == 1)
    go(std::integral_constant<int, kMostLanes>{});
  else
    go(std::integral_constant<int, 0>{});
  return launched();
}

}  // namespace assay::kernels::fused_rows
