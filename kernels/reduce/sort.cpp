#include "kernels/reduce/sort.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace assay::kernels {

namespace {

constexpr std::int64_t kRadixFrom = 256;  ///< shorter rows are faster by comparison

void make_item(const SortJob& job, std::int64_t begin, std::int64_t i, std::uint64_t& item) {
  item = narrow_item(job, begin, i);
}
void make_item(const SortJob& job, std::int64_t begin, std::int64_t i, WideItem& item) {
  item = {sort_key(job, begin + i * job.rows.step[0]), static_cast<std::uint64_t>(i)};
}

/// By bytes of the upper half, least first; bytes that are the same everywhere are passed over. `items` ends
/// sorted.
void radix_sort(std::uint64_t* items, std::uint64_t* other, std::int64_t n) {
  std::uint32_t counts[4][256] = {};
  for (std::int64_t i = 0; i < n; ++i)
    for (int byte = 0; byte < 4; ++byte) ++counts[byte][items[i] >> (32 + 8 * byte) & 255];
  std::uint64_t *from = items, *to = other;
  for (int byte = 0; byte < 4; ++byte) {
    std::uint32_t* count = counts[byte];
    const int shift = 32 + 8 * byte;
    if (count[from[0] >> shift & 255] == n) continue;
    std::uint32_t at = 0;
    for (int b = 0; b < 256; ++b) {
      const std::uint32_t here = count[b];
      count[b] = at;
      at += here;
    }
    for (std::int64_t i = 0; i < n; ++i) to[count[from[i] >> shift & 255]++] = from[i];
    std::swap(from, to);
  }
  if (from != items) std::memcpy(items, from, static_cast<std::size_t>(n) * sizeof *items);
}

void sort_items(std::uint64_t* items, std::uint64_t* other, std::int64_t n) {
  if (n >= kRadixFrom) return radix_sort(items, other, n);
  std::sort(items, items + n);
}
void sort_items(WideItem* items, WideItem*, std::int64_t n) {
  std::sort(items, items + n, [](const WideItem& a, const WideItem& b) { return is_before(a, b); });
}

template <typename Item>
void sort_row(const SortJob& job, std::int64_t row, Item* items, Item* other) {
  const std::int64_t begin = row_of(job.rows, 0, row);
  for (std::int64_t i = 0; i < job.rows.n; ++i) make_item(job, begin, i, items[i]);
  sort_items(items, other, job.rows.n);
  const std::int64_t first = job.median ? median_position(job, items) : job.first;
  for (std::int64_t i = 0; i < job.wanted; ++i) store_sorted(job, row, i, index_in(items[first + i]));
}

/// Rows go to at most kParts parts, each with scratch of its own.
constexpr std::int64_t kParts = 32;

template <typename Item>
Status run_cpu(const SortJob& job, const Place& place) {
  const std::int64_t work = std::max<std::int64_t>(1, job.rows.count * job.rows.n / 8192);
  const std::int64_t parts = std::min({job.rows.count, kParts, work});
  auto* scratch = static_cast<Item*>(
      place.workspace->take(static_cast<std::size_t>(parts * 2 * job.rows.n) * sizeof(Item)));
  if (!scratch) return Status::out_of_memory;
  place.threads->each(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      Item* items = scratch + part * 2 * job.rows.n;
      for (std::int64_t row = job.rows.count * part / parts; row < job.rows.count * (part + 1) / parts; ++row)
        sort_row(job, row, items, items + job.rows.n);
    }
  });
  return Status::ok;
}

Status run(const SortJob& job, const Place& place) {
  if (job.rows.count == 0 || job.wanted == 0) return Status::ok;
  if (place.cuda) return cuda::sort(job, place);
  return job.type == Type::i64 ? run_cpu<WideItem>(job, place) : run_cpu<std::uint64_t>(job, place);
}

/// `view` with the sizes of `in` but along `dim`, where any size is taken.
bool fits(const View& in, int dim, const View& view) {
  if (view.rank != in.rank) return false;
  for (int d = 0; d < in.rank; ++d)
    if (d != dim && view.size[d] != in.size[d]) return false;
  return true;
}

}  // namespace

Status sort_job(SortJob& job, const View& in, int dim, bool descending, std::int64_t first,
                const View* values, const View* indices) {
  if (in.type == Type::f64 || in.type == Type::c64) return Status::bad_type;
  if ((values && values->type != in.type) || (indices && indices->type != Type::i64)) return Status::bad_type;
  const View* given = values ? values : indices;
  if (!given || !fits(in, dim, *given) || (indices && !fits(in, dim, *indices))) return Status::bad_shape;
  if (in.rank > 0 && (dim < 0 || dim >= in.rank)) return Status::bad_shape;
  job.wanted = in.rank > 0 ? given->size[dim] : 1;
  if (indices && in.rank > 0 && indices->size[dim] != job.wanted) return Status::bad_shape;
  // Rows are found by the input's sizes; along `dim` the outputs are only as long as is wanted.
  View value_rows = values ? *values : View{}, index_rows = indices ? *indices : View{};
  if (in.rank > 0) value_rows.size[dim] = index_rows.size[dim] = in.size[dim];
  const View* views[] = {&in, values ? &value_rows : nullptr, indices ? &index_rows : nullptr};
  if (const Status status = make_rows(views, 3, dim, job.rows); status != Status::ok) return status;
  if (job.rows.n >= 0xffffffff || first < 0 || first + job.wanted > job.rows.n) return Status::bad_shape;
  if (values && in.rank > 0) job.rows.step[1] = values->stride[dim];
  if (indices && in.rank > 0) job.rows.step[2] = indices->stride[dim];
  job.in = in.data;
  job.type = in.type;
  job.values = values ? values->data : nullptr;
  job.indices = indices ? indices->as<std::int64_t>() : nullptr;
  job.descending = descending;
  job.first = first;
  return Status::ok;
}

Status sort(const View& in, int dim, bool descending, std::int64_t first, const View* values,
            const View* indices, const Place& place) {
  SortJob job;
  if (const Status status = sort_job(job, in, dim, descending, first, values, indices); status != Status::ok)
    return status;
  return run(job, place);
}

Status median(const View& in, int dim, const View* values, const View* indices, const Place& place) {
  SortJob job;
  if (const Status status = sort_job(job, in, dim, false, 0, values, indices); status != Status::ok)
    return status;
  if (job.wanted != 1) return Status::bad_shape;
  job.median = true;
  return run(job, place);
}

namespace reference {

Status sort(const SortJob& job) {
  for (std::int64_t row = 0; row < job.rows.count; ++row) {
    const std::int64_t begin = row_of(job.rows, 0, row);
    std::vector<WideItem> items;
    for (std::int64_t i = 0; i < job.rows.n; ++i)
      items.push_back({sort_key(job, begin + i * job.rows.step[0]), static_cast<std::uint64_t>(i)});
    std::stable_sort(items.begin(), items.end(),
                     [](const WideItem& a, const WideItem& b) { return a.key < b.key; });
    for (std::int64_t i = 0; i < job.wanted; ++i)
      store_sorted(job, row, i, index_in(items[static_cast<std::size_t>(job.first + i)]));
  }
  return Status::ok;
}

}  // namespace reference

}  // namespace assay::kernels
