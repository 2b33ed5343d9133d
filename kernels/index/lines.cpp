#include "kernels/index/lines.hpp"

#include <algorithm>
#include <atomic>

#include "kernels/index/elements.hpp"

namespace assay::kernels {

namespace {

/// Elements whose places in the table are asked for before they are needed.
constexpr std::int64_t kAhead = 16;

struct Lines {
  View index, plain, table;
  int dim = 0;

  int last() const { return index.rank - 1; }
  std::int64_t width() const { return index.size[last()]; }
  std::int64_t count() const { return width() ? index.count() / width() : 0; }
  /// Lines that share no element of the table with the others: those of one place in the dimensions before
  /// dim.
  std::int64_t together() const {
    std::int64_t lines = 1;
    for (int d = dim; d < last(); ++d) lines *= index.size[d];
    return lines;
  }
};

struct Line {
  std::int64_t index = 0, plain = 0, table = 0;
};

Line line_at(const Lines& lines, std::int64_t line) {
  Line at;
  for (int d = lines.last() - 1; d >= 0; --d) {
    const std::int64_t k = line % lines.index.size[d];
    line /= lines.index.size[d];
    at.index += k * lines.index.stride[d];
    at.plain += k * lines.plain.stride[d];
    if (d != lines.dim) at.table += k * lines.table.stride[d];
  }
  return at;
}

// f(plain's element, table's element) for every element of lines [begin, end), in order. False: an index lies
// outside.
template <typename I, typename E, typename F>
bool each_pair(const Lines& lines, std::int64_t begin, std::int64_t end, F&& f) {
  const int last = lines.last();
  const std::int64_t n = lines.width(), by = lines.table.stride[lines.dim];
  const std::int64_t index_by = lines.index.stride[last], plain_by = lines.plain.stride[last];
  const std::int64_t table_by = last == lines.dim ? 0 : lines.table.stride[last];
  const auto size = static_cast<std::uint64_t>(lines.table.size[lines.dim]);
  bool inside = true;
  for (std::int64_t l = begin; l < end; ++l) {
    const Line at = line_at(lines, l);
    const I* index = lines.index.as<const I>() + at.index;
    E* plain = lines.plain.as<E>() + at.plain;
    E* table = lines.table.as<E>() + at.table;
    for (std::int64_t k = 0; k < n; ++k) {
      if (k + kAhead < n) {
        const std::int64_t later = index[(k + kAhead) * index_by];
        if (static_cast<std::uint64_t>(later) < size)
          __builtin_prefetch(table + later * by + (k + kAhead) * table_by);
      }
      const std::int64_t named = index[k * index_by];
      if (static_cast<std::uint64_t>(named) < size)
        f(plain[k * plain_by], table[named * by + k * table_by]);
      else
        inside = false;
    }
  }
  return inside;
}

template <typename E, typename F>
Status run(const Lines& lines, std::int64_t together, const Place& place, F&& f) {
  const std::int64_t grain = std::max<std::int64_t>(1, 32768 / (lines.width() * together));
  std::atomic<bool> outside{false};
  place.threads->each(lines.count() / together, grain, [&](std::int64_t begin, std::int64_t end) {
    begin *= together, end *= together;
    if (!(lines.index.type == Type::i64 ? each_pair<std::int64_t, E>(lines, begin, end, f)
                                        : each_pair<std::int32_t, E>(lines, begin, end, f)))
      outside = true;
  });
  return outside ? Status::bad_index : Status::ok;
}

}  // namespace

Status gather_lines(const View& self, int dim, const View& index, const View& out, const Place& place) {
  const Lines lines{index, out, self, dim};
  if (index.count() == 0) return Status::ok;
  return by_size(size_of(out.type), [&](auto e) {
    using E = decltype(e);
    return run<E>(lines, 1, place, [](E& plain, const E& table) { plain = table; });
  });
}

Status scatter_lines(const View& self, int dim, const View& index, const View& source,
                     const WriteOptions& options, const Place& place, bool* done) {
  const Lines lines{index, source, self, dim};
  const bool adds =
      options.join == Join::sum && options.includes_self && options.alpha == 1 && self.type == Type::f32;
  *done = options.join == Join::last || adds;
  if (!*done || index.count() == 0) return Status::ok;
  const std::int64_t together = lines.together();
  if (adds)
    return run<float>(lines, together, place,
                      [](const float& plain, float& table) { table = F32::store(table + plain); });
  return by_size(size_of(self.type), [&](auto e) {
    using E = decltype(e);
    return run<E>(lines, together, place, [](const E& plain, E& table) { table = plain; });
  });
}

}  // namespace assay::kernels
