// cumsum of packed rows on the CPU.
#include "kernels/reduce/scan.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

/// Leaves added up side by side, so that no addition waits for the one before.
inline constexpr int kChains = 8;

/// Eight chains of `count` elements, `pitch` apart; the results lie a leaf apart. What lies eight leaves
/// further on is asked for in the meantime: a prefetch beyond the end does no harm.
static void chain_leaves(const float* x, std::int64_t pitch, std::int64_t count, float* __restrict local,
                         const float* out) {
  float sum[kChains];
#pragma GCC unroll 8
  for (int l = 0; l < kChains; ++l) local[l * kScanLeaf] = sum[l] = x[l * pitch];
  for (std::int64_t i = 1; i < count; ++i) {
    __builtin_prefetch(reinterpret_cast<const char*>(i & 1 ? x : out) + (kChains * count * 4 + (i >> 1) * 64),
                       0, 2);
#pragma GCC unroll 8
    for (int l = 0; l < kChains; ++l) local[l * kScanLeaf + i] = sum[l] += x[l * pitch + i];
  }
}

static void store(float* to, float x) { *to = canonical(x); }
static void store(std::uint16_t* to, float x) { *to = to_bf16(x); }

/// Where `count` elements lie as fp32: in place, or widened into the buffer.
static const float* widened(const float* x, std::int64_t, float*) { return x; }
static const float* widened(const std::uint16_t* x, std::int64_t count, float* buffer) {
  for (std::int64_t i = 0; i < count; ++i) buffer[i] = from_bf16(x[i]);
  return buffer;
}

/// cumsum of a packed row.
template <typename In, typename Out>
static void sum_packed_row(const In* row, Out* out, std::int64_t n) {
  constexpr std::int64_t step = kChains * kScanLeaf;
  float local[step], buffer[step], prefix = 0;
  for (std::int64_t begin = 0; begin < n; begin += step) {
    const std::int64_t count = step < n - begin ? step : n - begin;
    const float* const x = widened(row + begin, count, buffer);
    if (count == step) {
      chain_leaves(x, kScanLeaf, kScanLeaf, local, reinterpret_cast<const float*>(out + begin));
    } else {
      for (std::int64_t i = 0; i < count; ++i) local[i] = i % kScanLeaf == 0 ? x[i] : local[i - 1] + x[i];
    }
    for (std::int64_t leaf = 0; leaf < count; leaf += kScanLeaf) {
      const std::int64_t end = leaf + kScanLeaf < count ? leaf + kScanLeaf : count;
      const bool first = begin + leaf == 0;
      const float before = first ? float_of(0x80000000u) : prefix;  // -0 changes nothing
      for (std::int64_t i = leaf; i < end; ++i) store(out + begin + i, before + local[i]);
      prefix = first ? local[end - 1] : prefix + local[end - 1];
    }
  }
}

template <typename In, typename Out>
static void sum_rows_of(const ScanJob& job, std::int64_t begin, std::int64_t end) {
  const auto* in = static_cast<const In*>(job.in);
  auto* out = static_cast<Out*>(job.out);
  for (std::int64_t row = begin; row < end; ++row)
    sum_packed_row(in + row * job.rows.stride[0][0], out + row * job.rows.stride[1][0], job.rows.n);
}

/// Eight rows of one leaf each, or less: the chains are the rows.
static void sum_short_rows(const float* x, float* out, std::int64_t n, std::int64_t stride_in,
                           std::int64_t stride_out) {
  float local[kChains * kScanLeaf];
  chain_leaves(x, stride_in, n, local, out);
  for (int r = 0; r < kChains; ++r)
    for (std::int64_t i = 0; i < n; ++i) out[r * stride_out + i] = canonical(local[r * kScanLeaf + i]);
}

}  // namespace

void sum_packed_rows(const ScanJob& job, std::int64_t begin, std::int64_t end) {
  using Narrow = std::uint16_t;
  const bool wide_in = job.in_type == Type::f32, wide_out = job.out_type == Type::f32;
  if (wide_in && wide_out) {
    const auto* in = static_cast<const float*>(job.in);
    auto* out = static_cast<float*>(job.out);
    const std::int64_t from = job.rows.stride[0][0], to = job.rows.stride[1][0], n = job.rows.n;
    if (n <= kScanLeaf)
      for (; begin + kChains <= end; begin += kChains)
        sum_short_rows(in + begin * from, out + begin * to, n, from, to);
    return sum_rows_of<float, float>(job, begin, end);
  }
  if (wide_in) return sum_rows_of<float, Narrow>(job, begin, end);
  if (wide_out) return sum_rows_of<Narrow, float>(job, begin, end);
  sum_rows_of<Narrow, Narrow>(job, begin, end);
}

}  // namespace assay::kernels::ASSAY_VARIANT
