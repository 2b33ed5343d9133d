// The rules of fused.hpp as the device runs them: the same bits from fewer instructions. What is rare (a row
// whose largest is not finite, a term so small that a quotient may be subnormal) takes the plain way.
#pragma once

#include "kernels/reduce/fused.hpp"
#include "kernels/reduce/tree.cuh"

namespace assay::kernels::fused_rows {

template <typename R>
struct AsWritten : R {
  static __device__ __forceinline__ float neutral(int) { return neutral_of(Join::add); }
  static __device__ __forceinline__ float join(int, float a, float b) { return a + b; }
  static __device__ __forceinline__ constexpr bool any_order(int) { return false; }
  /// Whether there is a NaN among results of one row.
  template <int N>
  static __device__ __forceinline__ bool odd(const float (&v)[N]) {
    return any_nan(v);
  }
  template <int N>
  static __device__ __forceinline__ void results(const float (&x)[N], const float (&y)[N],
                                                 const float (&w)[N], const float (&b)[N],
                                                 const float (&kept)[N], const std::int64_t (&column)[N],
                                                 const RowState& row, float (&v)[N]) {
#pragma unroll
    for (int c = 0; c < N; ++c) v[c] = R::result(x[c], y[c], w[c], b[c], kept[c], column[c], row);
  }
};

template <typename R>
struct OnDevice : AsWritten<R> {};

/// ATen's kernels trap on a target outside the classes; so do these.
__device__ __forceinline__ void check_target(const FusedJob& job, std::int64_t index) {
  const std::int64_t target = job.target[index * job.target_step];
  if (target != job.ignored && (target < 0 || target >= job.rows.n)) __trap();
}

/// The first pass joins numbers instead of their order, and no term above 0 goes into the exponential.
/// row.scale and row.product hold the reciprocal of the sum in two parts.
template <typename R>
struct SoftmaxOnDevice : R {
  static __device__ __forceinline__ float neutral(int pass) {
    return pass == 0 ? -math::infinity() : neutral_of(Join::add);
  }
  static __device__ __forceinline__ float join(int pass, float a, float b) {
    return pass == 0 ? largest_of(a, b) : a + b;
  }
  static __device__ __forceinline__ constexpr bool any_order(int pass) { return pass == 0; }
  static __device__ __forceinline__ float term(int pass, float x, float, float, const RowState& row) {
    return pass == 0 ? x : math::exp_nonpositive(x - row.first);
  }
  static __device__ __forceinline__ void end_pass(const FusedJob& job, int pass, float value, RowState& row) {
    if (pass == 0) {
      row.first = job.rows.n > 0 ? value : math::nan();
      return;
    }
    // Beside a largest that is not finite some exponent is NaN, and so is the sum.
    if (job.rows.n > 0 && !math::is_finite(row.first)) value = math::nan();
    R::end_pass(job, pass, value, row);
    if constexpr (R::kKeeps) {
      row.scale = __frcp_rn(value);
      row.product = fma_(-value, row.scale, 1.0f) * row.scale;
    }
  }
  /// Where one result is a NaN the sum is, and so are all.
  template <int N>
  static __device__ __forceinline__ bool odd(const float (&v)[N]) {
    return v[0] != v[0];
  }
  /// kept / row.second, for 1 <= row.second. The first two steps give a neighbour of the quotient, the last
  /// two round it.
  static __device__ __forceinline__ float quotient(float kept, const RowState& row) {
    const float q = fma_(kept, row.scale, kept * row.product);
    return fma_(fma_(-q, row.second, kept), row.scale, q);
  }
  template <int N>
  static __device__ __forceinline__ void results(const float (&x)[N], const float (&)[N], const float (&)[N],
                                                 const float (&)[N], const float (&kept)[N],
                                                 const std::int64_t (&)[N], const RowState& row,
                                                 float (&v)[N]) {
    if constexpr (R::kKeeps) {
      constexpr std::uint32_t kSmall = 0x1a000000;  // 2^-75; 0 itself is no trouble
      std::uint32_t least = 0xffffffffu;
#pragma unroll
      for (int c = 0; c < N; ++c) least = min(least, bits_of(kept[c]) - 1);
      if (least < kSmall) {
#pragma unroll
        for (int c = 0; c < N; ++c) v[c] = divided(kept[c], row.second);
      } else {
#pragma unroll
        for (int c = 0; c < N; ++c) v[c] = quotient(kept[c], row);
      }
    } else {
#pragma unroll
      for (int c = 0; c < N; ++c) v[c] = (x[c] - row.first) - row.second;
    }
  }
};
template <bool Log>
struct OnDevice<SoftmaxRule<Log>> : SoftmaxOnDevice<SoftmaxRule<Log>> {};
/// The target is asked for with the row, its logit between the passes (row.product): neither is waited for at
/// the end.
template <>
struct OnDevice<CrossEntropyRule> : SoftmaxOnDevice<CrossEntropyRule> {
  using Passes = SoftmaxOnDevice<CrossEntropyRule>;
  static __device__ __forceinline__ void begin(const FusedJob& job, std::int64_t index, RowState& row) {
    check_target(job, index);
    row.target = place_of_target(job, index);
  }
  static __device__ __forceinline__ void end_pass(const FusedJob& job, int pass, float value, RowState& row) {
    Passes::end_pass(job, pass, value, row);
    if (pass > 0 || row.target < 0) return;
    row.product = job.x_type == Type::f32 ? static_cast<const float*>(job.x)[row.target]
                                          : from_bf16(static_cast<const std::uint16_t*>(job.x)[row.target]);
  }
  static __device__ __forceinline__ void save(const FusedJob& job, std::int64_t index, const RowState& row) {
    save_loss(job, index, row, row.target >= 0, row.product);
  }
};
template <>
struct OnDevice<CrossEntropyBackwardRule> : AsWritten<CrossEntropyBackwardRule> {
  static __device__ __forceinline__ void begin(const FusedJob& job, std::int64_t index, RowState& row) {
    check_target(job, index);
    CrossEntropyBackwardRule::begin(job, index, row);
  }
  /// exp of what is above 0, or NaN, takes the plain way.
  template <int N>
  static __device__ __forceinline__ void results(const float (&x)[N], const float (&)[N], const float (&)[N],
                                                 const float (&)[N], const float (&)[N],
                                                 const std::int64_t (&column)[N], const RowState& row,
                                                 float (&v)[N]) {
    float y[N];
    bool odd = false;
#pragma unroll
    for (int c = 0; c < N; ++c) {
      y[c] = (x[c] - row.first) - row.second;
      odd = odd || !(y[c] <= 0.0f);
    }
    if (odd)
#pragma unroll
      for (int c = 0; c < N; ++c) y[c] = exponential(y[c]);
    else
#pragma unroll
      for (int c = 0; c < N; ++c) y[c] = math::exp_nonpositive(y[c]);
#pragma unroll
    for (int c = 0; c < N; ++c) v[c] = (column[c] == row.target ? row.scale : 0.0f) - y[c] * row.scale;
  }
};
template <>
struct OnDevice<SoftmaxBackwardRule<true>> : AsWritten<SoftmaxBackwardRule<true>> {
  template <int N>
  static __device__ __forceinline__ void results(const float (&x)[N], const float (&y)[N], const float (&)[N],
                                                 const float (&)[N], const float (&)[N],
                                                 const std::int64_t (&)[N], const RowState& row,
                                                 float (&v)[N]) {
    bool plain = true;
#pragma unroll
    for (int c = 0; c < N; ++c) plain = plain && y[c] <= 0.0f;
#pragma unroll
    for (int c = 0; c < N; ++c) v[c] = plain ? math::exp_nonpositive(y[c]) : 0.0f;
    if (!plain)
#pragma unroll
      for (int c = 0; c < N; ++c) v[c] = exponential(y[c]);
#pragma unroll
    for (int c = 0; c < N; ++c) v[c] = x[c] - v[c] * row.first;
  }
};

}  // namespace assay::kernels::fused_rows
