// cumsum of packed fp32 rows on the CPU.
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

/// cumsum of a packed fp32 row.
static void sum_packed_row(const float* x, float* out, std::int64_t n) {
  constexpr std::int64_t step = kChains * kScanLeaf;
  float local[step], prefix = 0;
  for (std::int64_t begin = 0; begin < n; begin += step) {
    const std::int64_t count = step < n - begin ? step : n - begin;
    if (count == step) {
      chain_leaves(x + begin, kScanLeaf, kScanLeaf, local, out + begin);
    } else {
      for (std::int64_t i = 0; i < count; ++i)
        local[i] = i % kScanLeaf == 0 ? x[begin + i] : local[i - 1] + x[begin + i];
    }
    for (std::int64_t leaf = 0; leaf < count; leaf += kScanLeaf) {
      const std::int64_t end = leaf + kScanLeaf < count ? leaf + kScanLeaf : count;
      const bool first = begin + leaf == 0;
      const float before = first ? float_of(0x80000000u) : prefix;  // -0 changes nothing
      for (std::int64_t i = leaf; i < end; ++i) out[begin + i] = canonical(before + local[i]);
      prefix = first ? local[end - 1] : prefix + local[end - 1];
    }
  }
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
  const auto* in = static_cast<const float*>(job.in);
  auto* out = static_cast<float*>(job.out);
  const std::int64_t from = job.rows.stride[0][0], to = job.rows.stride[1][0], n = job.rows.n;
  std::int64_t row = begin;
  if (n <= kScanLeaf)
    for (; row + kChains <= end; row += kChains) sum_short_rows(in + row * from, out + row * to, n, from, to);
  for (; row < end; ++row) sum_packed_row(in + row * from, out + row * to, n);
}

}  // namespace assay::kernels::ASSAY_VARIANT
