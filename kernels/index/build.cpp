#include "kernels/index/build.hpp"

namespace assay::kernels {

namespace {

bool is_index(Type type) { return type == Type::i64 || type == Type::i32; }

void push(View& view, std::int64_t size, std::int64_t stride) {
  view.size[view.rank] = size;
  view.stride[view.rank] = stride;
  ++view.rank;
}

void add_index(Slots& slots, const View& index, const View& over, std::int64_t size, std::int64_t weight) {
  const int k = slots.count++;
  slots.data[k] = index.data;
  slots.wide[k] = index.type == Type::i64;
  slots.layout[k] = layout_of(over);
  slots.size[k] = size;
  slots.weight[k] = weight;
}

// One index tensor, weight 1.
Status single(const View& index, std::int64_t size, Rows& rows) {
  if (!is_index(index.type)) return Status::bad_type;
  add_index(rows.slots, index, index, size, 1);
  rows.positions = index.count();
  rows.slot_count = size;
  return Status::ok;
}

// `small` right-aligned to `sizes`: stride 0 where it is broadcast.
bool broadcast_to(const View& small, const View& sizes, View& out) {
  if (small.rank > sizes.rank) {
    for (int d = 0; d < small.rank - sizes.rank; ++d)
      if (small.size[d] != 1) return false;
  }
  out = small;
  out.rank = sizes.rank;
  for (int d = 0; d < sizes.rank; ++d) {
    const int from = d - sizes.rank + small.rank;
    const bool has = from >= 0 && small.size[from] != 1;
    if (has && small.size[from] != sizes.size[d]) return false;
    out.size[d] = sizes.size[d];
    out.stride[d] = has ? small.stride[from] : 0;
  }
  return true;
}

bool join_sizes(const View& index, View& joint) {
  View wider = joint;
  if (index.rank > joint.rank) {
    wider.rank = index.rank;
    for (int d = 0; d < index.rank; ++d) {
      const int from = d - index.rank + joint.rank;
      wider.size[d] = from >= 0 ? joint.size[from] : 1;
    }
  }
  for (int d = 0; d < index.rank; ++d) {
    std::int64_t& n = wider.size[d - index.rank + wider.rank];
    if (n == 1)
      n = index.size[d];
    else if (index.size[d] != 1 && index.size[d] != n)
      return false;
  }
  joint = wider;
  return true;
}

}  // namespace

Status rows_along(const View& table, int dim, const View& index, const View& plain, Rows& rows) {
  if (table.type != plain.type) return Status::bad_type;
  if (table.rank != plain.rank || index.rank > 1 || dim < 0 ||
      (dim >= table.rank && !(table.rank == 0 && dim == 0)))
    return Status::bad_shape;
  View table_row, table_column, plain_row, plain_column;
  for (int d = 0; d < table.rank; ++d) {
    if (d == dim) {
      push(table_row, table.size[d], table.stride[d]);
      push(plain_row, plain.size[d], plain.stride[d]);
      if (plain.size[d] != index.count()) return Status::bad_shape;
      continue;
    }
    if (table.size[d] != plain.size[d]) return Status::bad_shape;
    push(table_column, table.size[d], table.stride[d]);
    push(plain_column, plain.size[d], plain.stride[d]);
  }
  if (table.rank == 0) push(table_row, 1, 1), push(plain_row, 1, 1);
  rows.table = table.data, rows.plain = plain.data;
  rows.width = table_column.count();
  rows.table_row = layout_of(table_row), rows.table_column = layout_of(table_column);
  rows.plain_row = layout_of(plain_row), rows.plain_column = layout_of(plain_column);
  return single(index, table_row.size[0], rows);
}

Status rows_elementwise(const View& table, int dim, const View& index, const View& plain, Rows& rows) {
  if (table.type != plain.type) return Status::bad_type;
  if (table.rank != plain.rank || dim < 0 || (dim >= table.rank && !(table.rank == 0 && dim == 0)))
    return Status::bad_shape;
  const bool scalar = table.rank == 0;
  if (index.rank != table.rank && !(index.rank == 1 && scalar)) return Status::bad_shape;
  const Status status = single(index, scalar ? 1 : table.size[dim], rows);
  if (status != Status::ok) return status;
  rows.table = table.data, rows.plain = plain.data;
  rows.slot_count = table.count();
  rows.table_row = layout_of(table);
  View position = index, from = plain;
  std::int64_t weight = 1;
  for (int d = table.rank - 1; d >= 0; --d) {
    if (index.count() > 0 && (index.size[d] > plain.size[d] || (d != dim && index.size[d] > table.size[d])))
      return Status::bad_shape;
    from.size[d] = index.size[d];
    position.stride[d] = d == dim ? 0 : weight;
    if (d == dim) rows.slots.weight[0] = weight;
    weight *= table.size[d];
  }
  rows.plain_row = layout_of(from);
  rows.slots.by_position = !scalar;
  rows.slots.position = layout_of(position);
  return Status::ok;
}

Status rows_advanced(const View& table, const View* const* indices, const View& plain, bool broadcast,
                     Rows& rows) {
  if (table.type != plain.type) return Status::bad_type;
  View joint, row, column;
  int first = -1, last = -1, count = 0;
  for (int d = 0; d < table.rank; ++d) {
    if (!indices[d]) {
      push(column, table.size[d], table.stride[d]);
      continue;
    }
    if (!is_index(indices[d]->type)) return Status::bad_type;
    if (!join_sizes(*indices[d], joint)) return Status::bad_shape;
    push(row, table.size[d], table.stride[d]);
    first = first < 0 ? d : first;
    last = d;
    ++count;
  }
  if (count == 0 || count > kMaxIndices) return count ? Status::bad_rank : Status::bad_shape;
  if (joint.rank + column.rank > kMaxRank) return Status::bad_rank;
  rows.slots.wraps = true;
  rows.slot_count = row.count();
  std::int64_t suffix = 1;
  std::int64_t weights[kMaxRank];
  for (int k = row.rank - 1; k >= 0; --k) weights[k] = suffix, suffix *= row.size[k];
  for (int d = 0, k = 0; d < table.rank; ++d) {
    if (!indices[d]) continue;
    View over;
    if (!broadcast_to(*indices[d], joint, over)) return Status::bad_shape;
    add_index(rows.slots, *indices[d], over, table.size[d], weights[k++]);
  }
  // The result's shape: the joint dimensions at `first` when the indexed ones are neighbours, else in front.
  const int at = last - first + 1 == count ? first : 0;
  View result;
  for (int d = 0; d < at; ++d) push(result, column.size[d], 0);
  for (int d = 0; d < joint.rank; ++d) push(result, joint.size[d], 0);
  for (int d = at; d < column.rank; ++d) push(result, column.size[d], 0);
  if (!broadcast && !same_sizes(plain, result)) return Status::bad_shape;
  View fitted;
  if (!broadcast_to(plain, result, fitted)) return Status::bad_shape;
  View plain_row, plain_column;
  for (int d = 0; d < result.rank; ++d)
    push(d >= at && d < at + joint.rank ? plain_row : plain_column, fitted.size[d], fitted.stride[d]);
  rows.positions = joint.count();
  rows.width = column.count();
  rows.table = table.data, rows.plain = plain.data;
  rows.table_row = layout_of(row), rows.table_column = layout_of(column);
  rows.plain_row = layout_of(plain_row), rows.plain_column = layout_of(plain_column);
  return Status::ok;
}

Status rows_flat(const View& table, const View& index, const View& plain, Rows& rows) {
  if (table.type != plain.type) return Status::bad_type;
  if (index.count() != plain.count()) return Status::bad_shape;
  rows.table = table.data, rows.plain = plain.data;
  rows.table_row = layout_of(table), rows.plain_row = layout_of(plain);
  rows.slots.wraps = true;
  return single(index, table.count(), rows);
}

Status rows_embedding(const View& table, const View& indices, const View& plain, Rows& rows) {
  if (table.type != plain.type) return Status::bad_type;
  if (table.rank != 2 || plain.rank != indices.rank + 1) return Status::bad_shape;
  View plain_row, plain_column, table_row, table_column;
  for (int d = 0; d < indices.rank; ++d) {
    if (plain.size[d] != indices.size[d]) return Status::bad_shape;
    push(plain_row, plain.size[d], plain.stride[d]);
  }
  if (plain.size[indices.rank] != table.size[1]) return Status::bad_shape;
  push(plain_column, plain.size[indices.rank], plain.stride[indices.rank]);
  push(table_row, table.size[0], table.stride[0]);
  push(table_column, table.size[1], table.stride[1]);
  rows.table = table.data, rows.plain = plain.data;
  rows.width = table.size[1];
  rows.table_row = layout_of(table_row), rows.table_column = layout_of(table_column);
  rows.plain_row = layout_of(plain_row), rows.plain_column = layout_of(plain_column);
  return single(indices, table.size[0], rows);
}

}  // namespace assay::kernels
