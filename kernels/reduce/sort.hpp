// Sorting along one dimension: docs/determinism.md, R4. Always stable; NaN is the largest, +0 and -0 are
// equal.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"
#include "kernels/reduce/rows.hpp"
#include "kernels/reduce/rules.hpp"

namespace assay::kernels {

/// values: type of `in` (f32, bf16, boolean, integers); indices: i64; either may be null. Their size along
/// `dim` says how many elements of the sorted row are wanted, from position `first` on: the whole row for
/// sort, k for topk, one for kthvalue (first = k - 1). Along `dim` at most 2^32 - 1 elements.
Status sort(const View& in, int dim, bool descending, std::int64_t first, const View* values,
            const View* indices, const Place& place);
/// The lower median, (n - 1) / 2 of the ascending row; the first NaN if there is one. Sizes 1 along `dim`; n
/// > 0.
Status median(const View& in, int dim, const View* values, const View* indices, const Place& place);

struct SortJob {
  const void* in = nullptr;
  Type type = Type::f32;
  void* values = nullptr;
  std::int64_t* indices = nullptr;
  bool descending = false;
  bool median = false;
  std::int64_t first = 0;
  std::int64_t wanted = 0;  ///< elements a row
  Rows rows;                ///< tensors: in, values, indices
};

/// A place in the ascending order of 64 bits, unsigned; for all types but i64 within 32.
ASSAY_HD std::uint64_t sort_key(const SortJob& job, std::int64_t offset) {
  const bool number = job.type == Type::f32 || job.type == Type::bf16;
  if (!number) {
    const std::int64_t value = integer_at(job.in, job.type, offset);
    const std::uint64_t biased = job.type == Type::i64
                                     ? static_cast<std::uint64_t>(value) ^ 0x8000000000000000u
                                     : static_cast<std::uint64_t>(value + 0x80000000ll);
    return job.descending ? (job.type == Type::i64 ? ~biased : 0xffffffffu - biased) : biased;
  }
  const float x = load_number(job.in, job.type, offset);
  const std::uint32_t order = x == 0 ? 0u : static_cast<std::uint32_t>(order_of(x));
  const std::uint32_t key = is_nan(x) ? 0xffffffffu : order ^ 0x80000000u;
  return job.descending ? 0xffffffffu - key : key;
}

/// Writes element i of what is wanted of a row: the one that lies at `index` of the row.
ASSAY_HD void store_sorted(const SortJob& job, std::int64_t row, std::int64_t i, std::int64_t index) {
  const Rows& rows = job.rows;
  if (job.indices) job.indices[row_of(rows, 2, row) + i * rows.step[2]] = index;
  if (job.values)
    copy_element(job.values, row_of(rows, 1, row) + i * rows.step[1], job.in,
                 row_of(rows, 0, row) + index * rows.step[0], job.type);
}

/// 32 bits of key over 32 of index: no two are equal, so any sort of them is the stable one.
ASSAY_HD std::uint64_t narrow_item(const SortJob& job, std::int64_t row_begin, std::int64_t i) {
  return sort_key(job, row_begin + i * job.rows.step[0]) << 32 | static_cast<std::uint64_t>(i);
}

struct WideItem {
  std::uint64_t key, index;
};
ASSAY_HD bool is_before(std::uint64_t a, std::uint64_t b) { return a < b; }
ASSAY_HD bool is_before(const WideItem& a, const WideItem& b) {
  return a.key < b.key || (a.key == b.key && a.index < b.index);
}
ASSAY_HD std::int64_t index_in(std::uint64_t item) { return static_cast<std::int64_t>(item & 0xffffffffu); }
ASSAY_HD std::int64_t index_in(const WideItem& item) { return static_cast<std::int64_t>(item.index); }
/// Whether the item is a NaN (of an ascending row of numbers).
ASSAY_HD bool is_nan_item(const SortJob& job, std::uint64_t item) {
  return (job.type == Type::f32 || job.type == Type::bf16) && item >> 32 == 0xffffffffu;
}
ASSAY_HD bool is_nan_item(const SortJob&, const WideItem&) { return false; }

/// The sorted position that the median takes.
template <typename Item>
ASSAY_HD std::int64_t median_position(const SortJob& job, const Item* sorted) {
  std::int64_t last = job.rows.n - 1;
  if (!is_nan_item(job, sorted[last])) return last / 2;
  while (last > 0 && is_nan_item(job, sorted[last - 1])) --last;
  return last;
}

namespace cuda {
#if defined(ASSAY_HAS_CUDA)
Status sort(const SortJob& job, const Place& place);
#else
inline Status sort(const SortJob&, const Place&) { return Status::no_cuda; }
#endif
}  // namespace cuda

namespace reference {
Status sort(const SortJob& job);
}
Status sort_job(SortJob& job, const View& in, int dim, bool descending, std::int64_t first,
                const View* values, const View* indices);

}  // namespace assay::kernels
