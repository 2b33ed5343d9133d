// Cumulative operators along one dimension: docs/determinism.md, R3.
#pragma once

#include "kernels/core/variant.hpp"
#include "kernels/core/view.hpp"
#include "kernels/reduce/rows.hpp"
#include "kernels/reduce/terms.hpp"

namespace assay::kernels {

enum class Scan : std::uint8_t {
  sum,   ///< f32, bf16; or i64 to i64 (modulo 2^64, boolean and integers too as input)
  prod,  ///< the same
  max,   ///< f32, bf16; `indices` too: of equals the last, as ATen has it; a NaN stays until the next NaN
  min,
};

/// Along `dim`; equal sizes, any strides; `out` may be `in` (sum, prod). `indices` (i64): for max and min,
/// else null.
Status scan(Scan op, const View& in, int dim, const View& out, const View* indices, const Place& place);

struct ScanJob {
  Scan op = Scan::sum;
  const void* in = nullptr;
  void* out = nullptr;
  std::int64_t* indices = nullptr;
  Type in_type = Type::f32;
  Type out_type = Type::f32;
  Rows rows;  ///< tensors: in, out, indices
};

inline constexpr std::int64_t kScanLeaf = 64;

/// A value and where it came from.
struct Scanned {
  float value;
  std::int64_t index;
};

/// `b` comes after `a`.
ASSAY_HD Scanned join_scanned(Scan op, const Scanned& a, const Scanned& b) {
  switch (op) {
    case Scan::sum:
      return {a.value + b.value, b.index};
    case Scan::prod:
      return {a.value * b.value, b.index};
    case Scan::max:
      return is_nan(b.value) || (!is_nan(a.value) && b.value >= a.value) ? b : a;
    default:
      return is_nan(b.value) || (!is_nan(a.value) && b.value <= a.value) ? b : a;
  }
}

namespace reference {
Status scan(const ScanJob& job);
}
Status scan_job(ScanJob& job, Scan op, const View& in, int dim, const View& out, const View* indices);

ASSAY_VARIANTS(void sum_packed_rows(const ScanJob& job, std::int64_t begin, std::int64_t end))

namespace cuda {
#if defined(ASSAY_HAS_CUDA)
Status scan(const ScanJob& job, const Place& place);
#else
inline Status scan(const ScanJob&, const Place&) { return Status::no_cuda; }
#endif
}  // namespace cuda

/// A whole row of integers, one after the other.
ASSAY_HD void scan_integers(const ScanJob& job, std::int64_t index) {
  std::uint64_t all = job.op == Scan::prod ? 1 : 0;
  const std::int64_t from = row_of(job.rows, 0, index), to = row_of(job.rows, 1, index);
  for (std::int64_t i = 0; i < job.rows.n; ++i) {
    const auto x = static_cast<std::uint64_t>(integer_at(job.in, job.in_type, from + i * job.rows.step[0]));
    all = job.op == Scan::prod ? all * x : all + x;
    static_cast<std::int64_t*>(job.out)[to + i * job.rows.step[1]] = static_cast<std::int64_t>(all);
  }
}

/// A whole row, leaf after leaf. Extremes are associative, so the same form gives their plain meaning.
ASSAY_HD void scan_numbers(const ScanJob& job, std::int64_t index) {
  const Rows& rows = job.rows;
  const std::int64_t from = row_of(rows, 0, index), to = row_of(rows, 1, index),
                     places = row_of(rows, 2, index);
  Scanned prefix{0, 0};
  for (std::int64_t leaf = 0; leaf < rows.n; leaf += kScanLeaf) {
    const std::int64_t end = leaf + kScanLeaf < rows.n ? leaf + kScanLeaf : rows.n;
    Scanned local{0, 0};
    for (std::int64_t i = leaf; i < end; ++i) {
      const Scanned x{load_number(job.in, job.in_type, from + i * rows.step[0]), i};
      local = i == leaf ? x : join_scanned(job.op, local, x);
      const Scanned whole = leaf == 0 ? local : join_scanned(job.op, prefix, local);
      store_number(job.out, job.out_type, to + i * rows.step[1], whole.value);
      if (job.indices) job.indices[places + i * rows.step[2]] = whole.index;
    }
    prefix = leaf == 0 ? local : join_scanned(job.op, prefix, local);
  }
}

}  // namespace assay::kernels
