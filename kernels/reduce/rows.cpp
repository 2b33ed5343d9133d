#include "kernels/reduce/rows.hpp"

namespace assay::kernels {

namespace {

bool same_sizes(const View& a, const View& b, int dim) {
  if (a.rank != b.rank) return false;
  for (int d = 0; d < a.rank; ++d)
    if (a.size[d] != b.size[d] && !(d == dim && b.size[d] == 1)) return false;
  return true;
}

/// Whether the dimension after the last one of `rows` continues it in every tensor.
bool merges(const Rows& rows, const View* const* views, int count, int d, std::int64_t size) {
  for (int t = 0; t < count; ++t)
    if (views[t] && rows.stride[t][rows.rank - 1] != views[t]->stride[d] * size) return false;
  return true;
}

void add(Rows& rows, const View* const* views, int count, int d) {
  const std::int64_t size = views[0]->size[d];
  rows.count *= size;
  if (size == 1) return;
  const bool merged = rows.rank > 0 && merges(rows, views, count, d, size);
  if (!merged) rows.size[rows.rank++] = 1;
  rows.size[rows.rank - 1] *= size;
  for (int t = 0; t < count; ++t)
    if (views[t]) rows.stride[t][rows.rank - 1] = views[t]->stride[d];
}

}  // namespace

Status make_rows(const View* const* views, int count, int dim, Rows& rows) {
  rows = {};
  const View& first = *views[0];
  if (first.rank > kMaxRank) return Status::bad_rank;
  if (first.rank > 0 && (dim < 0 || dim >= first.rank)) return Status::bad_shape;
  for (int t = 1; t < count; ++t)
    if (views[t] && !same_sizes(first, *views[t], dim)) return Status::bad_shape;
  for (int d = 0; d < first.rank; ++d)
    if (d != dim) add(rows, views, count, d);
  if (first.rank == 0) return Status::ok;
  rows.n = first.size[dim];
  for (int t = 0; t < count; ++t)
    if (views[t]) rows.step[t] = views[t]->size[dim] == 1 ? 0 : views[t]->stride[dim];
  return Status::ok;
}

}  // namespace assay::kernels
