// What a lane does with its part of a row (loads, terms, halving, results, stores), and what all launches
// ask.
#pragma once

#include <cuda_runtime.h>

#include "kernels/core/launch.hpp"
#include "kernels/reduce/device_rules.cuh"
#include "kernels/reduce/tree.cuh"

namespace assay::kernels::fused_rows {

inline constexpr int kRowThreads = 32;  ///< of a thread block: a warp, which has a row or several short ones

/// How the work lies: a row has `lanes` lanes, or a thread block whose warps in turn take runs of `run`
/// blocks.
struct Layout {
  int lanes = 32;
  int run = 1;
  int runs = 1;
};

/// A lane's part of a block of R1: rounds of 128, four leaves. One round is enough for short rows, and leaves
/// registers to more of them.
template <int Rounds>
using Block = float[Rounds][4];

/// What is known of a row's memory when a kernel is compiled. loose: nothing. packed: aligned for four
/// elements at once. halves: that, all row tensors of bf16, and no lane without elements where another has
/// some. exact16, exact32: rows of whole blocks of 1,024, evenly spaced, everything of one type, and a weight
/// and a bias where the operator can have them.
enum class Form { loose, packed, halves, exact16, exact32 };
template <Form F>
inline constexpr bool kIsPacked = F != Form::loose;
template <Form F>
inline constexpr bool kIsExact = F == Form::exact16 || F == Form::exact32;
template <Form F>
inline constexpr bool kIsSure = F == Form::halves || kIsExact<F>;
template <Form F>
__device__ __forceinline__ Type type_in(Type type) {
  return F == Form::exact32 ? Type::f32 : kIsSure<F> ? Type::bf16 : type;
}

/// Where row `index` of a tensor begins.
template <Form F>
__device__ __forceinline__ std::int64_t begin_of(const Rows& rows, int tensor, std::int64_t index) {
  return kIsExact<F> ? index * rows.stride[tensor][0] : row_of(rows, tensor, index);
}

/// Which element of a round a lane's leaf c is: neighbours where they are loaded together, else lanes side by
/// side.
template <Form F>
__device__ __forceinline__ int spot(int lane, int lanes, int c) {
  return kIsPacked<F> ? 4 * lane + c : lanes * c + lane;
}

/// Whether round k of `count` elements has some for this lane.
template <Form F>
__device__ __forceinline__ bool has_round(int k, int count, int lane) {
  return kIsExact<F> || k * 128 + (kIsSure<F> ? 0 : 4 * lane) < count;
}

template <Form F, int Rounds>
__device__ __forceinline__ void load_block(Block<Rounds>& x, const void* data, Type given, std::int64_t from,
                                           std::int64_t step, int count, int lane, int lanes) {
  const Type type = type_in<F>(given);
  if constexpr (kIsPacked<F>) {
    if (type == Type::f32) {
      const float* p = static_cast<const float*>(data) + from + 4 * lane;
#pragma unroll
      for (int k = 0; k < Rounds; ++k)
        if (has_round<F>(k, count, lane)) load_four_once(x[k], p + k * 128);
    } else {
      const std::uint16_t* p = static_cast<const std::uint16_t*>(data) + from + 4 * lane;
#pragma unroll
      for (int k = 0; k < Rounds; ++k)
        if (has_round<F>(k, count, lane)) load_four_once(x[k], p + k * 128);
    }
  } else {
#pragma unroll
    for (int k = 0; k < Rounds; ++k)
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const int i = k * 128 + spot<F>(lane, lanes, c);
        if (i >= count) continue;
        const std::int64_t at = from + i * step;
        x[k][c] = type == Type::f32 ? static_cast<const float*>(data)[at]
                                    : from_bf16(static_cast<const std::uint16_t*>(data)[at]);
      }
  }
}

/// Elements spot(c) of a round that begins at `at`; `left`: its elements.
template <Form F>
__device__ __forceinline__ void store_round(void* data, Type given, std::int64_t at, std::int64_t step,
                                            int left, int lane, int lanes, float (&v)[4]) {
  const Type type = type_in<F>(given);
  if constexpr (kIsPacked<F>) {
    const bool odd = v[0] != v[0] || v[1] != v[1] || v[2] != v[2] || v[3] != v[3];
    if (odd)
#pragma unroll
      for (int c = 0; c < 4; ++c) v[c] = canonical(v[c]);
    at += 4 * lane;
    if (type == Type::f32)
      store_together(static_cast<float*>(data) + at, v[0], v[1], v[2], v[3]);
    else
      store_together(static_cast<std::uint16_t*>(data) + at, pack_bf16(v[0], v[1], odd),
                     pack_bf16(v[2], v[3], odd));
  } else {
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      const int i = spot<F>(lane, lanes, c);
      if (i < left) store_number(data, type, at + i * step, v[c]);
    }
  }
}

/// Four values of a weight or bias from `column` on, aligned for that.
__device__ __forceinline__ void load_four_columns(float (&w)[4], const void* data, Type type,
                                                  std::int64_t column) {
  if (type == Type::f32)
    load_four_fixed(w, static_cast<const float*>(data) + column);
  else
    load_four_fixed(w, static_cast<const std::uint16_t*>(data) + column);
}

/// Values of a weight or bias beside elements spot(c) from `column` on, `absent` where there is none or the
/// row has ended.
template <Form F>
__device__ __forceinline__ void load_columns(float (&w)[4], const void* data, Type type, std::int64_t column,
                                             int left, int lane, int lanes, float absent) {
  if constexpr (kIsExact<F>) {
    load_four_columns(w, data, type_in<F>(type), column + 4 * lane);
  } else {
    if (kIsPacked<F> && data) return load_four_columns(w, data, type, column + 4 * lane);
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      const int i = spot<F>(lane, lanes, c);
      w[c] = data && i < left ? load_number(data, type, column + i) : absent;
    }
  }
}

/// The leaves of `lanes` neighbouring lanes to the block's value, in each of them.
template <typename R, Form F>
__device__ __forceinline__ float halved(int pass, float (&v)[4], int lane, int lanes) {
  using D = OnDevice<R>;
  if (kIsPacked<F> && !D::any_order(pass)) return halve_lanes<Join::add>(v, lane, lanes);
  float a = D::join(pass, D::join(pass, v[0], v[2]), D::join(pass, v[1], v[3]));
  for (int o = lanes / 2; o > 0; o /= 2) a = D::join(pass, a, __shfl_xor_sync(kAllLanes, a, o));
  return a;
}

/// One round's terms to the leaves. What is kept for the result takes the elements' place.
template <typename R, Form F, bool Keep>
__device__ __forceinline__ void join_round(const FusedJob& job, int pass, std::int64_t column, int left,
                                           int lane, int lanes, const RowState& row, float (&x)[4],
                                           const float (&y)[4], float (&leaf)[4]) {
  using D = OnDevice<R>;
  if (kIsPacked<F> && !has_round<F>(0, left, lane)) return;
  float w[4] = {1, 1, 1, 1};
  if constexpr (R::kColumns && R::kInputs > 1)
    load_columns<F>(w, job.weight, job.weight_type, column, left, lane, lanes, 1);
#pragma unroll
  for (int c = 0; c < 4; ++c) {
    if (!kIsPacked<F> && spot<F>(lane, lanes, c) >= left) continue;
    const float t = D::term(pass, x[c], y[c], w[c], row);
    leaf[c] = D::join(pass, leaf[c], t);
    if (R::kKeeps && Keep && pass == R::kPasses - 1) x[c] = t;
  }
}

/// One round's results.
template <typename R, Form F, bool Keep>
__device__ __forceinline__ void results_of(const FusedJob& job, std::int64_t column, int left, int lane,
                                           int lanes, const RowState& row, const float (&x)[4],
                                           const float (&y)[4], float (&v)[4]) {
  using D = OnDevice<R>;
  constexpr float kNoBias = -0.0f;  // x + -0 is x
  float w[4] = {1, 1, 1, 1}, b[4] = {kNoBias, kNoBias, kNoBias, kNoBias}, kept[4];
  if constexpr (R::kColumns) {
    load_columns<F>(w, job.weight, job.weight_type, column, left, lane, lanes, 1);
    if constexpr (R::kInputs == 1 && (R::kBias || !kIsExact<F>))
      load_columns<F>(b, job.bias, job.bias_type, column, left, lane, lanes, kNoBias);
  }
#pragma unroll
  for (int c = 0; c < 4; ++c)
    kept[c] = !R::kKeeps || Keep ? x[c] : D::term(R::kPasses - 1, x[c], y[c], w[c], row);
  const std::int64_t here[4] = {column + spot<F>(lane, lanes, 0), column + spot<F>(lane, lanes, 1),
                                column + spot<F>(lane, lanes, 2), column + spot<F>(lane, lanes, 3)};
  D::results(x, y, w, b, kept, here, row, v);
}

/// The same, written.
template <typename R, Form F, bool Keep>
__device__ __forceinline__ void write_round(const FusedJob& job, std::int64_t column, std::int64_t at,
                                            int left, int lane, int lanes, const RowState& row,
                                            const float (&x)[4], const float (&y)[4]) {
  if (kIsPacked<F> && !has_round<F>(0, left, lane)) return;
  float v[4];
  results_of<R, F, Keep>(job, column, left, lane, lanes, row, x, y, v);
  store_round<F>(job.out, job.out_type, at, job.rows.step[2], left, lane, lanes, v);
}

/// All rounds' results in the elements' place. Without columns to load, what a rule asks of a row's elements
/// (is one so small that ...) is asked once.
template <typename R, Form F, int Rounds>
__device__ __forceinline__ void results_of_rounds(const FusedJob& job, std::int64_t column, int lane,
                                                  const RowState& row, Block<Rounds>& x,
                                                  const Block<Rounds>& y) {
  if constexpr (R::kColumns) {
#pragma unroll
    for (int k = 0; k < Rounds; ++k) {
      float v[4];
      results_of<R, F, true>(job, column + k * 128, 128, lane, 32, row, x[k], y[k], v);
#pragma unroll
      for (int c = 0; c < 4; ++c) x[k][c] = v[c];
    }
  } else {
    constexpr int kAll = 4 * Rounds;
    float p[kAll], q[kAll], w[kAll], b[kAll], v[kAll];
    std::int64_t here[kAll];
#pragma unroll
    for (int i = 0; i < kAll; ++i) {
      p[i] = x[i / 4][i % 4], q[i] = R::kInputs > 1 ? y[i / 4][i % 4] : 0, w[i] = 1, b[i] = -0.0f;
      here[i] = column + i / 4 * 128 + 4 * lane + i % 4;
    }
    OnDevice<R>::results(p, q, w, b, p, here, row, v);
#pragma unroll
    for (int i = 0; i < kAll; ++i) x[i / 4][i % 4] = v[i];
  }
}

/// All rounds of an exact form: whether there is a NaN is asked once.
template <typename R, Form F, int Rounds>
__device__ __forceinline__ void write_rounds(const FusedJob& job, std::int64_t column, std::int64_t at,
                                             int lane, const RowState& row, Block<Rounds>& x,
                                             const Block<Rounds>& y) {
  results_of_rounds<R, F, Rounds>(job, column, lane, row, x, y);
  bool odd = false;
#pragma unroll
  for (int k = 0; k < Rounds; ++k) odd = odd || OnDevice<R>::odd(x[k]);
  const auto store = [&](bool careful) {
#pragma unroll
    for (int k = 0; k < Rounds; ++k) {
      float(&v)[4] = x[k];
      const std::int64_t here = at + k * 128 + 4 * lane;
      if constexpr (F == Form::exact16) {
        store_together(static_cast<std::uint16_t*>(job.out) + here, pack_bf16(v[0], v[1], careful),
                       pack_bf16(v[2], v[3], careful));
      } else {
        const auto one = [&](float value) { return careful ? canonical(value) : value; };
        store_together(static_cast<float*>(job.out) + here, one(v[0]), one(v[1]), one(v[2]), one(v[3]));
      }
    }
  };
  if (odd)
    store(true);
  else
    store(false);
}

/// Where rows first, first + apart, ... lie: without a division where they are evenly spaced. kEven: they
/// are, by one dimension.
template <bool kEven = false>
struct RowsApart {
  const Rows& rows;
  std::int64_t first;
  int apart;
  bool even;

  __device__ __forceinline__ RowsApart(const Rows& all, std::int64_t from, int step)
      : rows(all), first(from), apart(step), even(kEven || all.rank <= 1) {}
  __device__ __forceinline__ std::int64_t at(int tensor, int q) const {
    if (!even) return row_of(rows, tensor, first + q * apart);
    return !kEven && rows.rank == 0 ? 0
                                    : first * rows.stride[tensor][0] + q * (apart * rows.stride[tensor][0]);
  }
};

/// Whether every row is made of `each` elements that lie aligned for being read at once, in each tensor.
inline bool is_packed(const FusedJob& job, int inputs, bool writes, int each) {
  const Rows& rows = job.rows;
  const void* data[] = {job.x, inputs > 1 ? job.y : nullptr, writes ? job.out : nullptr, job.weight,
                        job.bias};
  const Type type[] = {job.x_type, job.y_type, job.out_type, job.weight_type, job.bias_type};
  bool packed = rows.n % each == 0;
  for (int t = 0; t < 5; ++t) {
    if (!data[t]) continue;
    packed =
        packed &&
        reinterpret_cast<std::uintptr_t>(data[t]) % static_cast<std::uintptr_t>(each * size_of(type[t])) == 0;
    if (t > 2) continue;
    packed = packed && rows.step[t] == 1;
    for (int d = 0; d < rows.rank; ++d) packed = packed && rows.stride[t][d] % each == 0;
  }
  return packed;
}

template <typename R>
bool are_alike(const FusedJob& job) {
  return (R::kInputs == 1 || job.y_type == job.x_type) && (!R::kWrites || job.out_type == job.x_type);
}

inline Status launched() { return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed; }

}  // namespace assay::kernels::fused_rows
