#include "kernels/index/copies.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/core/launch.hpp"
#include "kernels/index/copy_parts.hpp"
#include "kernels/index/each.hpp"
#include "kernels/index/squares.hpp"

namespace assay::kernels {

namespace {

// Sizes of 1 dropped, the slowest of `to` first, neighbours merged where both sides allow it.
CopyJob job_of(const View& from, const View& to) {
  CopyJob job{from.data, to.data, {}};
  int dims[kMaxRank], n = 0;
  for (int d = 0; d < to.rank; ++d)
    if (to.size[d] != 1) dims[n++] = d;
  const auto slower = [&](int a, int b) { return std::abs(to.stride[a]) > std::abs(to.stride[b]); };
  std::stable_sort(dims, dims + n, slower);
  CopyLayout& layout = job.layout;
  for (int k = 0; k < n; ++k) {
    const int d = dims[k], r = layout.rank;
    if (r > 0 && layout.from[r - 1] == from.stride[d] * to.size[d] &&
        layout.to[r - 1] == to.stride[d] * to.size[d]) {
      layout.size[r - 1] *= to.size[d];
      layout.from[r - 1] = from.stride[d], layout.to[r - 1] = to.stride[d];
      continue;
    }
    layout.size[r] = to.size[d], layout.from[r] = from.stride[d], layout.to[r] = to.stride[d];
    ++layout.rank;
  }
  layout.count = to.count();
  layout.narrow = layout.count < (std::int64_t{1} << 32);
  return job;
}

// Takes `by` elements for one when all copies allow it.
bool divisible(const CopyJob& job, std::int64_t bytes, std::int64_t by) {
  const CopyLayout& layout = job.layout;
  const int last = layout.rank - 1;
  if (last < 0 || layout.from[last] != 1 || layout.to[last] != 1 || layout.size[last] % by != 0) return false;
  const auto wide = static_cast<std::uintptr_t>(bytes * by);
  if (reinterpret_cast<std::uintptr_t>(job.from) % wide || reinterpret_cast<std::uintptr_t>(job.to) % wide)
    return false;
  for (int d = 0; d < last; ++d)
    if (layout.from[d] % by || layout.to[d] % by) return false;
  return true;
}

void divide(CopyJob& job, std::int64_t by) {
  CopyLayout& layout = job.layout;
  const int last = layout.rank - 1;
  layout.size[last] /= by, layout.count /= by;
  for (int d = 0; d < last; ++d) layout.from[d] /= by, layout.to[d] /= by;
}

std::int64_t widen_all(CopyJob* jobs, int count, std::int64_t bytes) {
  for (std::int64_t wide = 16; wide > bytes; wide /= 2) {
    const std::int64_t by = wide / bytes;
    if (!std::all_of(jobs, jobs + count, [&](const CopyJob& job) { return divisible(job, bytes, by); }))
      continue;
    std::for_each(jobs, jobs + count, [&](CopyJob& job) { divide(job, by); });
    return wide;
  }
  return bytes;
}

template <typename E>
void copy_line(const E* from, E* to, std::int64_t from_stride, std::int64_t to_stride, std::int64_t n) {
  if (from_stride == 1 && to_stride == 1) {
    std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(E));
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) to[i * to_stride] = from[i * from_stride];
}

// The dimension, before the last, in which the source's elements are neighbours while the last is the
// target's; -1: none.
int turned_dimension(const CopyLayout& layout) {
  const int last = layout.rank - 1;
  if (last < 1 || layout.to[last] != 1 || layout.from[last] == 1) return -1;
  for (int d = 0; d < last; ++d)
    if (layout.from[d] == 1) return d;
  return -1;
}

/// The same where squares pay on the device: a plane of both dimensions that is not thin.
int wide_turned_dimension(const CopyLayout& layout) {
  const int d = turned_dimension(layout);
  if (d < 0 || layout.size[d] < 16 || layout.size[layout.rank - 1] < 16) return -1;
  return layout.count >> 40 == 0 ? d : -1;
}

// to[r * to_row + c] = from[r + c * from_column]; elements of four bytes by squares of four in registers.
template <typename E>
void turn_square(const E* from, E* to, std::int64_t from_column, std::int64_t to_row, std::int64_t rows,
                 std::int64_t columns) {
  std::int64_t done = 0;
#if defined(__GNUC__) && !defined(__clang__)
  if constexpr (sizeof(E) == 4) {
    typedef std::uint32_t Four __attribute__((vector_size(16), aligned(4), may_alias));
    typedef std::int32_t Pick __attribute__((vector_size(16)));
    for (; done + 4 <= rows; done += 4) {
      std::int64_t c = 0;
      for (; c + 4 <= columns; c += 4) {
        Four line[4];
        for (int k = 0; k < 4; ++k) std::memcpy(&line[k], from + done + (c + k) * from_column, 16);
        const Four a = __builtin_shuffle(line[0], line[1], Pick{0, 4, 1, 5}),
                   b = __builtin_shuffle(line[2], line[3], Pick{0, 4, 1, 5});
        const Four d = __builtin_shuffle(line[0], line[1], Pick{2, 6, 3, 7}),
                   e = __builtin_shuffle(line[2], line[3], Pick{2, 6, 3, 7});
        const Four turned[4] = {
            __builtin_shuffle(a, b, Pick{0, 1, 4, 5}), __builtin_shuffle(a, b, Pick{2, 3, 6, 7}),
            __builtin_shuffle(d, e, Pick{0, 1, 4, 5}), __builtin_shuffle(d, e, Pick{2, 3, 6, 7})};
        for (int k = 0; k < 4; ++k) std::memcpy(to + (done + k) * to_row + c, &turned[k], 16);
      }
      for (; c < columns; ++c)
        for (std::int64_t r = done; r < done + 4; ++r) to[r * to_row + c] = from[r + c * from_column];
    }
  }
#endif
  for (std::int64_t r = done; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) to[r * to_row + c] = from[r + c * from_column];
}

// A transposition, by squares that fit the first cache on both sides.
template <typename E>
void copy_turned(const CopyLayout& layout, int turned, const E* from, E* to, const Place& place) {
  constexpr std::int64_t kSquare = 32;
  const int last = layout.rank - 1;
  const std::int64_t rows = layout.size[turned], columns = layout.size[last],
                     bands = (rows + kSquare - 1) / kSquare;
  CopyLayout outer = layout;
  outer.rank = 0;
  for (int d = 0; d < last; ++d) {
    if (d == turned) continue;
    outer.size[outer.rank] = layout.size[d], outer.from[outer.rank] = layout.from[d],
    outer.to[outer.rank] = layout.to[d];
    ++outer.rank;
  }
  const std::int64_t planes = layout.count / (rows * columns);
  place.threads->each(planes * bands, std::max<std::int64_t>(1, 65536 / (kSquare * columns)),
                      [&](std::int64_t begin, std::int64_t end) {
                        for (std::int64_t task = begin; task < end; ++task) {
                          std::int64_t from_at, to_at;
                          outer.offsets(task / bands, from_at, to_at);
                          const std::int64_t first = task % bands * kSquare,
                                             stop = std::min(rows, first + kSquare);
                          for (std::int64_t c = 0; c < columns; c += kSquare)
                            turn_square(from + from_at + first + c * layout.from[last],
                                        to + to_at + first * layout.to[turned] + c, layout.from[last],
                                        layout.to[turned], stop - first, std::min(kSquare, columns - c));
                        }
                      });
}

template <typename E>
void copy_cpu(const CopyJob& job, const Place& place) {
  const CopyLayout& layout = job.layout;
  const auto* from = static_cast<const E*>(job.from);
  auto* to = static_cast<E*>(job.to);
  if (layout.rank == 0) return void(*to = *from);
  const int last = layout.rank - 1;
  if (layout.rank == 1) {
    place.threads->each(layout.size[0], 65536, [&](std::int64_t begin, std::int64_t end) {
      copy_line(from + begin * layout.from[0], to + begin * layout.to[0], layout.from[0], layout.to[0],
                end - begin);
    });
    return;
  }
  if (const int turned = turned_dimension(layout); turned >= 0)
    return copy_turned(layout, turned, from, to, place);
  CopyLayout outer = layout;
  outer.rank = last;
  const std::int64_t n = layout.size[last], lines = layout.count / n;
  place.threads->each(lines, std::max<std::int64_t>(1, 65536 / n), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t line = begin; line < end; ++line) {
      std::int64_t from_at, to_at;
      outer.offsets(line, from_at, to_at);
      copy_line(from + from_at, to + to_at, layout.from[last], layout.to[last], n);
    }
  });
}

Status run_copies(CopyJob* jobs, int count, std::int64_t bytes, const Place& place) {
  if (!place.cuda) {
    for (int k = 0; k < count; ++k) by_size(bytes, [&](auto e) { copy_cpu<decltype(e)>(jobs[k], place); });
    return Status::ok;
  }
  if (count == 1 && !other_launches())
    if (const int turned = wide_turned_dimension(jobs->layout); turned >= 0)
      return copy_squares_cuda(*jobs, turned, bytes, place);
  for (int first = 0; first < count; first += kCopiesTogether) {
    const int together = std::min(kCopiesTogether, count - first);
    const std::int64_t wide = widen_all(jobs + first, together, bytes);
    const Status status = by_size(wide, [&](auto e) {
      Copies<decltype(e)> copies{together, {}, {}};
      for (int k = 0; k < together; ++k) {
        copies.job[k] = jobs[first + k];
        copies.start[k + 1] = copies.start[k] + jobs[first + k].layout.count;
      }
      return each(place, copies.start[together], 1, copies);
    });
    if (status != Status::ok) return status;
  }
  return Status::ok;
}

View slice(const View& view, int d, std::int64_t start, std::int64_t size) {
  View part = view;
  part.size[d] = size;
  part.data = static_cast<char*>(view.data) + start * view.stride[d] * size_of(view.type);
  return part;
}

}  // namespace

Status copy_exact(const View& from, const View& to, const Place& place) {
  if (from.type != to.type) return Status::bad_type;
  if (!same_sizes(from, to)) return Status::bad_shape;
  if (to.count() == 0) return Status::ok;
  CopyJob job = job_of(from, to);
  return run_copies(&job, 1, size_of(to.type), place);
}

Status fill_bytes(const View& out, const void* value, const Place& place) {
  return by_size(size_of(out.type), [&](auto e) {
    using E = decltype(e);
    E element{};
    if (value) std::memcpy(&element, value, static_cast<std::size_t>(size_of(out.type)));
    const Layout layout = layout_of(out);
    if (!place.cuda && layout.contiguous()) {
      place.threads->each(out.count(), 65536, [&](std::int64_t begin, std::int64_t end) {
        std::fill(out.as<E>() + begin, out.as<E>() + end, element);
      });
      return Status::ok;
    }
    return each(place, out.count(), 16384, FillElements<E>{out.as<E>(), layout, element});
  });
}

Status concatenate(const View* inputs, int count, int dim, const View& out, const Place& place) {
  if (dim < 0 || dim >= out.rank) return Status::bad_shape;
  CopyJob jobs[64];
  int waiting = 0;
  std::int64_t at = 0;
  for (int k = 0; k < count; ++k) {
    const View& input = inputs[k];
    if (input.type != out.type) return Status::bad_type;
    if (input.count() == 0) continue;
    if (input.rank != out.rank || at + input.size[dim] > out.size[dim]) return Status::bad_shape;
    const View part = slice(out, dim, at, input.size[dim]);
    if (!same_sizes(part, input)) return Status::bad_shape;
    at += input.size[dim];
    jobs[waiting++] = job_of(input, part);
    if (waiting < 64) continue;
    if (const Status status = run_copies(jobs, waiting, size_of(out.type), place); status != Status::ok)
      return status;
    waiting = 0;
  }
  if (out.count() > 0 && at != out.size[dim]) return Status::bad_shape;
  return run_copies(jobs, waiting, size_of(out.type), place);
}

Status flip(const View& self, const bool* mirrored, const View& out, const Place& place) {
  View from = self;
  if (self.count() > 0)
    for (int d = 0; d < self.rank; ++d) {
      if (!mirrored[d]) continue;
      from = slice(from, d, self.size[d] - 1, self.size[d]);
      from.stride[d] = -self.stride[d];
    }
  return copy_exact(from, out, place);
}

namespace {
// Both halves of every dimension from `d` on.
Status roll_from(const View& self, const std::int64_t* shift, int d, const View& out, const Place& place) {
  if (d == self.rank) return copy_exact(self, out, place);
  const std::int64_t n = self.size[d], by = ((shift[d] % n) + n) % n;
  if (by == 0) return roll_from(self, shift, d + 1, out, place);
  const Status status = roll_from(slice(self, d, 0, n - by), shift, d + 1, slice(out, d, by, n - by), place);
  return status == Status::ok
             ? roll_from(slice(self, d, n - by, by), shift, d + 1, slice(out, d, 0, by), place)
             : status;
}
}  // namespace

Status roll(const View& self, const std::int64_t* shift, const View& out, const Place& place) {
  if (self.type != out.type) return Status::bad_type;
  if (!same_sizes(self, out)) return Status::bad_shape;
  return self.count() == 0 ? Status::ok : roll_from(self, shift, 0, out, place);
}

Status constant_pad(const View& self, const std::int64_t* before, const std::int64_t* after,
                    const void* value, const View& out, const Place& place) {
  if (self.type != out.type) return Status::bad_type;
  if (self.rank != out.rank) return Status::bad_shape;
  View from = self, to = out;
  bool whole = true;
  for (int d = 0; d < self.rank; ++d) {
    if (out.size[d] != self.size[d] + before[d] + after[d]) return Status::bad_shape;
    const std::int64_t cut = std::max<std::int64_t>(0, -before[d]),
                       start = std::max<std::int64_t>(0, before[d]);
    const std::int64_t size =
        std::max<std::int64_t>(0, self.size[d] - cut - std::max<std::int64_t>(0, -after[d]));
    from = slice(from, d, cut, size), to = slice(to, d, start, size);
    whole &= size == out.size[d];
  }
  if (!whole)
    if (const Status status = fill_bytes(out, value, place); status != Status::ok) return status;
  return copy_exact(from, to, place);
}

namespace {

// Row after row: what stays is one piece of it, the rest is zero.
template <typename E>
Status triangle_cpu(const Triangle<E>& job, std::int64_t from_by, std::int64_t to_by, std::int64_t count,
                    const Place& place) {
  const std::int64_t n = job.columns;
  if (count == 0) return Status::ok;
  place.threads->each(
      count / n, std::max<std::int64_t>(1, 65536 / n), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
          const std::int64_t edge = row % job.rows + job.diagonal + (job.upper ? 0 : 1);
          const std::int64_t cut = std::clamp<std::int64_t>(edge, 0, n);
          const std::int64_t first = job.upper ? cut : 0, last = job.upper ? n : cut;
          const E* from = job.from + job.from_layout.offset(row * n);
          E* to = job.to + job.to_layout.offset(row * n);
          if (from != to || from_by != to_by) {
            if (first < last)
              copy_line(from + first * from_by, to + first * to_by, from_by, to_by, last - first);
          }
          for (std::int64_t c = 0; c < first; ++c) to[c * to_by] = E{};
          for (std::int64_t c = last; c < n; ++c) to[c * to_by] = E{};
        }
      });
  return Status::ok;
}

}  // namespace

Status triangle(const View& self, bool upper, std::int64_t diagonal, const View& out, const Place& place) {
  if (self.type != out.type) return Status::bad_type;
  if (self.rank < 2 || !same_sizes(self, out)) return Status::bad_shape;
  return by_size(size_of(out.type), [&](auto e) {
    using E = decltype(e);
    const Triangle<E> job{self.as<const E>(),
                          out.as<E>(),
                          layout_of(self),
                          layout_of(out),
                          out.size[out.rank - 2],
                          out.size[out.rank - 1],
                          diagonal,
                          upper};
    const int last = out.rank - 1;
    if (!place.cuda) return triangle_cpu(job, self.stride[last], out.stride[last], out.count(), place);
    return each(place, out.count(), 16384, job);
  });
}

namespace {
Made made(Made::Kind kind, const View& out) {
  Made job{};
  job.kind = kind;
  job.data = out.data, job.type = out.type, job.layout = layout_of(out);
  job.columns = 1, job.count = out.count();
  return job;
}
}  // namespace

Status eye(const View& out, const Place& place) {
  if (out.type == Type::c64) return Status::bad_type;
  if (out.rank != 2) return Status::bad_shape;
  Made job = made(Made::Kind::eye, out);
  job.columns = out.size[1];
  return each(place, out.count(), 16384, job);
}

Status arange(const View& out, double start, double step, const Place& place) {
  if (out.type == Type::c64) return Status::bad_type;
  if (out.rank != 1) return Status::bad_shape;
  if (!place.cuda && out.type == Type::f32 && is_contiguous(out)) {
    place.threads->each(out.count(), 65536, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const double rise = static_cast<double>(i) * step;
        out.as<float>()[i] = static_cast<float>(start + rise);
      }
    });
    return Status::ok;
  }
  Made job = made(Made::Kind::real, out);
  job.start = start, job.stride = step;
  return each(place, out.count(), 16384, job);
}

Status arange(const View& out, std::int64_t start, std::int64_t step, const Place& place) {
  if (out.type == Type::c64) return Status::bad_type;
  if (out.rank != 1) return Status::bad_shape;
  Made job = made(Made::Kind::whole, out);
  job.first = start, job.step = step;
  return each(place, out.count(), 16384, job);
}

Status linspace(const View& out, double start, double end, const Place& place) {
  if (out.type == Type::c64) return Status::bad_type;
  if (out.rank != 1) return Status::bad_shape;
  Made job = made(Made::Kind::line, out);
  job.start = start, job.end = end;
  job.stride = job.count > 1 ? (end - start) / static_cast<double>(job.count - 1) : 0;
  return each(place, out.count(), 16384, job);
}

}  // namespace assay::kernels
