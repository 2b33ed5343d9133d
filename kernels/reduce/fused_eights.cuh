// Rows of 8, 16, 32, 64 or 128 elements of bf16, eight neighbours a lane: what a row costs beside its
// elements is shared by twice as many as where a lane has four.
#pragma once

#include "kernels/core/halved.cuh"
#include "kernels/reduce/fused_parts.cuh"

namespace assay::kernels::fused_rows {

inline constexpr int kEightThreads = 128;
inline constexpr int kEight = 8;
using Eight = float[kEight];

/// 16-byte aligned.
__device__ __forceinline__ void load_eight_once(Eight& x, const std::uint16_t* p) {
  std::uint32_t word[4];
  asm volatile("ld.global.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(word[0]), "=r"(word[1]), "=r"(word[2]), "=r"(word[3])
               : "l"(p));
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    x[2 * k] = float_of(word[k] << 16);
    x[2 * k + 1] = float_of(word[k] & 0xffff0000u);
  }
}

__device__ __forceinline__ void store_eight(std::uint16_t* p, const Eight& v) {
  bool odd = false;
#pragma unroll
  for (int c = 0; c < kEight; ++c) odd = odd || v[c] != v[c];
  *reinterpret_cast<uint4*>(p) = make_uint4(pack_bf16(v[0], v[1], odd), pack_bf16(v[2], v[3], odd),
                                            pack_bf16(v[4], v[5], odd), pack_bf16(v[6], v[7], odd));
}

/// Values of a weight or bias beside elements `column` on, aligned for four at once; `absent` where there is
/// none.
__device__ __forceinline__ void load_columns(Eight& w, const void* data, Type type, int column,
                                             float absent) {
  float half[2][kFour];
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    if (!data)
#pragma unroll
      for (int c = 0; c < kFour; ++c) half[h][c] = absent;
    else if (type == Type::f32)
      load_four_fixed(half[h], static_cast<const float*>(data) + column + kFour * h);
    else
      load_four_fixed(half[h], static_cast<const std::uint16_t*>(data) + column + kFour * h);
  }
#pragma unroll
  for (int c = 0; c < kEight; ++c) w[c] = half[c / kFour][c % kFour];
}

/// The leaves of `lanes` neighbouring lanes, eight each, to the row's value, in each of them.
template <typename R>
__device__ __forceinline__ float halved_eights(int pass, Eight& v, int lane, int lanes) {
  using D = OnDevice<R>;
  const auto join = [&](float a, float b) { return D::join(pass, a, b); };
  if (D::any_order(pass)) {
    float a = kernels::halved(v, join);
    for (int o = lanes / 2; o > 0; o /= 2) a = join(a, __shfl_xor_sync(kAllLanes, a, o));
    return a;
  }
  if (lanes == 16) return sum_of_eights(v, lane);
  for (int o = lanes / 2; o > 0; o /= 2)
#pragma unroll
    for (int c = 0; c < kEight; ++c) v[c] = join(v[c], __shfl_xor_sync(kAllLanes, v[c], o));
  return kernels::halved(v, join);
}

/// Terms, and the row's value of them. What is kept for the result takes the elements' place.
template <typename R>
__device__ __forceinline__ float row_value(const FusedJob& job, int pass, int lane, int lanes,
                                           const RowState& row, Eight& x, const Eight& y) {
  using D = OnDevice<R>;
  Eight w, term;
  load_columns(w, R::kColumns && R::kInputs > 1 ? job.weight : nullptr, job.weight_type, kEight * lane, 1);
#pragma unroll
  for (int c = 0; c < kEight; ++c) {
    term[c] = D::term(pass, x[c], y[c], w[c], row);
    if (R::kKeeps && pass == R::kPasses - 1) x[c] = term[c];
  }
  return halved_eights<R>(pass, term, lane, lanes);
}

template <typename R>
__device__ __forceinline__ void row_results(const FusedJob& job, int lane, const RowState& row,
                                            const Eight& x, const Eight& y, Eight& v) {
  Eight w, b;
  const int column = kEight * lane;
  load_columns(w, R::kColumns ? job.weight : nullptr, job.weight_type, column, 1);
  load_columns(b, R::kColumns && R::kInputs == 1 ? job.bias : nullptr, job.bias_type, column,
               R::kColumns && R::kInputs == 1 ? float_of(0x80000000u) : 0);
  std::int64_t here[kEight];
#pragma unroll
  for (int c = 0; c < kEight; ++c) here[c] = column + c;
  OnDevice<R>::results(x, y, w, b, x, here, row, v);
}

template <typename R>
inline constexpr int kEightRows = R::kWrites ? 2 : 4;  ///< that each group of lanes has at once
template <typename R>
inline constexpr int kEightBlocks = R::kInputs > 1 ? 8
                                    : R::kWrites   ? 10
                                                   : 8;  ///< of a processor, at least

template <typename R>
__global__ void __launch_bounds__(kEightThreads, kEightBlocks<R>)
    eights_kernel(const __grid_constant__ FusedJob job, const __grid_constant__ Layout layout) {
  using D = OnDevice<R>;
  constexpr int kRows = kEightRows<R>;
  const int lanes = layout.lanes, lane = threadIdx.x & (lanes - 1), groups = kEightThreads / lanes;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * (groups * kRows) + threadIdx.x / lanes;
  const auto index = [&](int q) { return first + q * groups; };
  const auto there = [&](int q) { return index(q) < job.rows.count; };
  const RowsApart rows(job.rows, first, groups);
  const auto place = [&](int tensor, int q) { return rows.at(tensor, q) + kEight * lane; };
  Eight x[kRows] = {}, y[kRows] = {};  // of a row that is not there: something to compute with
  RowState row[kRows];
#pragma unroll
  for (int q = 0; q < kRows; ++q) {
    if (!there(q)) continue;
    D::begin(job, index(q), row[q]);
    load_eight_once(x[q], static_cast<const std::uint16_t*>(job.x) + place(0, q));
    if constexpr (R::kInputs > 1)
      load_eight_once(y[q], static_cast<const std::uint16_t*>(job.y) + place(1, q));
  }
#pragma unroll
  for (int pass = 0; pass < R::kPasses; ++pass)
#pragma unroll
    for (int q = 0; q < kRows; ++q)
      D::end_pass(job, pass, row_value<R>(job, pass, lane, lanes, row[q], x[q], y[q]), row[q]);
  if constexpr (R::kWrites) {
#pragma unroll
    for (int q = 0; q < kRows; ++q) {
      Eight v;
      row_results<R>(job, lane, row[q], x[q], y[q], v);
      if (there(q)) store_eight(static_cast<std::uint16_t*>(job.out) + place(2, q), v);
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

/// Whether rows are such, aligned for eight elements at once.
template <typename R>
bool in_eights(const FusedJob& job) {
  const std::int64_t n = job.rows.n;
  return !other_launches() && job.x_type == Type::bf16 && are_alike<R>(job) && n >= kEight && n <= kLeaves &&
         (n & (n - 1)) == 0 && is_packed(job, R::kInputs, R::kWrites, kEight);
}

template <typename R>
Status launch_eights(const FusedJob& job, cudaStream_t stream) {
  Layout layout;
  layout.lanes = static_cast<int>(job.rows.n / kEight);
  const std::int64_t rows = kEightThreads / layout.lanes * kEightRows<R>;
  const std::int64_t grid = (job.rows.count + rows - 1) / rows;
  if (grid > 0x7fffffff) return Status::bad_shape;
  eights_kernel<R><<<static_cast<unsigned>(grid), kEightThreads, 0, stream>>>(job, layout);
  return launched();
}

}  // namespace assay::kernels::fused_rows
