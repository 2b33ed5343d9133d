#include "kernels/index/index.hpp"

#include <cstring>

#include "kernels/index/build.hpp"
#include "kernels/index/copies.hpp"
#include "kernels/index/lines.hpp"
#include "kernels/index/rows.hpp"

namespace assay::kernels {

namespace {

JoinOptions options_of(const WriteOptions& options) {
  JoinOptions join;
  join.join = options.join;
  join.includes_self = options.includes_self;
  join.scales = options.alpha != 1;
  join.alpha = static_cast<float>(options.alpha);
  join.alpha_integer = static_cast<std::int64_t>(options.alpha);
  return join;
}

Status read(Status built, const Rows& rows, Type type, const Place& place) {
  return built == Status::ok ? read_rows(rows, size_of(type), place) : built;
}

Status write(Status built, const Rows& rows, Type type, const WriteOptions& options, const Place& place) {
  return built == Status::ok ? write_rows(rows, type, options_of(options), place) : built;
}

WriteOptions adding(bool accumulate) {
  WriteOptions options;
  options.join = accumulate ? Join::sum : Join::last;
  return options;
}

}  // namespace

Status index_select(const View& self, int dim, const View& index, const View& out, const Place& place) {
  Rows rows;
  return read(rows_along(self, dim, index, out, rows), rows, out.type, place);
}

Status index_gather(const View& self, int dim, const View& index, const View& out, const Place& place) {
  if (!same_sizes(index, out) && self.rank > 0) return Status::bad_shape;
  Rows rows;
  const Status built = rows_elementwise(self, dim, index, out, rows);
  if (built == Status::ok && !place.cuda && self.rank > 0) return gather_lines(self, dim, index, out, place);
  return read(built, rows, out.type, place);
}

Status index_get(const View& self, const View* const* indices, const View& out, const Place& place) {
  Rows rows;
  return read(rows_advanced(self, indices, out, false, rows), rows, out.type, place);
}

Status index_take(const View& self, const View& index, const View& out, const Place& place) {
  Rows rows;
  return read(rows_flat(self, index, out, rows), rows, out.type, place);
}

Status embedding(const View& weight, const View& indices, const View& out, const Place& place) {
  Rows rows;
  return read(rows_embedding(weight, indices, out, rows), rows, out.type, place);
}

Status index_scatter(const View& self, int dim, const View& index, const View& source,
                     const WriteOptions& options, const Place& place) {
  Rows rows;
  const Status built = rows_elementwise(self, dim, index, source, rows);
  if (built == Status::ok && !place.cuda && self.rank > 0) {
    bool done = false;
    const Status status = scatter_lines(self, dim, index, source, options, place, &done);
    if (done) return status;
  }
  return write(built, rows, self.type, options, place);
}

Status index_write(const View& self, int dim, const View& index, const View& source,
                   const WriteOptions& options, const Place& place) {
  Rows rows;
  return write(rows_along(self, dim, index, source, rows), rows, self.type, options, place);
}

Status index_put(const View& self, const View* const* indices, const View& values, bool accumulate,
                 const Place& place) {
  Rows rows;
  return write(rows_advanced(self, indices, values, true, rows), rows, self.type, adding(accumulate), place);
}

Status index_put_flat(const View& self, const View& index, const View& source, bool accumulate,
                      const Place& place) {
  Rows rows;
  return write(rows_flat(self, index, source, rows), rows, self.type, adding(accumulate), place);
}

Status embedding_backward(const View& gradient_out, const View& indices, std::int64_t padding,
                          bool by_frequency, const View& gradient, const Place& place) {
  if (!is_float(gradient.type)) return Status::bad_type;
  Rows rows;
  Status status = rows_embedding(gradient, indices, gradient_out, rows);
  if (status == Status::ok) status = fill_bytes(gradient, nullptr, place);
  if (status != Status::ok) return status;
  rows.slots.skips = padding >= 0;
  rows.slots.skipped = padding;
  JoinOptions options;
  options.join = Join::sum;
  options.by_frequency = by_frequency;
  return write_rows(rows, gradient.type, options, place);
}

}  // namespace assay::kernels
