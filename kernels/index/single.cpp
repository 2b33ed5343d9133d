#include "kernels/index/single.hpp"

#include <algorithm>
#include <atomic>

#include "kernels/index/elements.hpp"

namespace assay::kernels {

namespace {

constexpr std::int64_t kGrain = 16384;  // positions that are worth a thread
constexpr std::int64_t kBlock = 256;    // positions of which a thread picks its own at a time

template <typename I, typename E>
struct Single {
  const I* index;
  E *table, *plain;
  std::int64_t size, below_zero, table_step, plain_step;

  explicit Single(const Rows& rows)
      : index(static_cast<const I*>(rows.slots.data[0])),
        table(static_cast<E*>(rows.table)),
        plain(static_cast<E*>(rows.plain)),
        size(rows.slots.size[0]),
        below_zero(rows.slots.wraps ? size : 0),
        table_step(rows.table_row.rank ? rows.table_row.stride[0] : 0),
        plain_step(rows.plain_row.rank ? rows.plain_row.stride[0] : 0) {}

  std::int64_t slot(std::int64_t j) const {
    const std::int64_t v = index[j];
    return v + (v < 0 ? below_zero : 0);
  }
  bool inside(std::int64_t slot) const {
    return static_cast<std::uint64_t>(slot) < static_cast<std::uint64_t>(size);
  }
  E& row(std::int64_t slot) const { return table[slot * table_step]; }
  E& element(std::int64_t j) const { return plain[j * plain_step]; }
};

template <typename E, typename F>
Status with_index(const Rows& rows, F&& f) {
  return rows.slots.wide[0] ? f(Single<std::int64_t, E>(rows)) : f(Single<std::int32_t, E>(rows));
}

template <typename S>
bool read_part(const S s, std::int64_t begin, std::int64_t end) {
  bool inside = true;
  for (std::int64_t j = begin; j < end; ++j) {
    const std::int64_t slot = s.slot(j);
    if (s.inside(slot))
      s.element(j) = s.row(slot);
    else
      inside = false;
  }
  return inside;
}

template <typename S, typename F>
bool join_all(const S s, std::int64_t positions, const F join) {
  bool inside = true;
  for (std::int64_t j = 0; j < positions; ++j) {
    const std::int64_t slot = s.slot(j);
    if (s.inside(slot))
      join(s.row(slot), s.element(j));
    else
      inside = false;
  }
  return inside;
}

// Positions whose slots lie in [begin, end). They are picked without a branch: nothing foretells which they
// are.
template <typename S, typename F>
bool join_own(const S s, std::int64_t positions, std::int64_t begin, std::int64_t end, const F join) {
  const auto count = static_cast<std::uint64_t>(end - begin);
  std::int64_t position[kBlock], slots[kBlock];
  bool inside = true;
  for (std::int64_t at = 0; at < positions; at += kBlock) {
    const std::int64_t last = std::min(at + kBlock, positions);
    std::int64_t own = 0;
    for (std::int64_t j = at; j < last; ++j) {
      const std::int64_t slot = s.slot(j);
      inside &= s.inside(slot);
      position[own] = j, slots[own] = slot;
      own += static_cast<std::uint64_t>(slot - begin) < count;
    }
    for (std::int64_t k = 0; k < own; ++k) join(s.row(slots[k]), s.element(position[k]));
  }
  return inside;
}

// A thread owns slots and goes through all positions in order.
template <typename S, typename F>
Status join_single(const S s, const Rows& rows, const Place& place, const F join) {
  const std::int64_t positions = rows.positions, parts = std::max<std::int64_t>(1, positions / kGrain);
  std::atomic<bool> outside{false};
  place.threads->each(s.size, (s.size + parts - 1) / parts, [&](std::int64_t begin, std::int64_t end) {
    const bool all = begin == 0 && end == s.size;
    if (!(all ? join_all(s, positions, join) : join_own(s, positions, begin, end, join))) outside = true;
  });
  return outside ? Status::bad_index : Status::ok;
}

}  // namespace

bool is_single(const Rows& rows) {
  const Slots& slots = rows.slots;
  return rows.width == 1 && slots.count == 1 && slots.weight[0] == 1 && !slots.by_position && !slots.skips &&
         slots.layout[0].contiguous() && slots.size[0] > 0 && rows.table_row.rank <= 1 &&
         rows.plain_row.rank <= 1;
}

Status read_single(const Rows& rows, std::int64_t size, const Place& place) {
  std::atomic<bool> outside{false};
  by_size(size, [&](auto e) {
    return with_index<decltype(e)>(rows, [&](const auto& s) {
      place.threads->each(rows.positions, kGrain, [&](std::int64_t begin, std::int64_t end) {
        if (!read_part(s, begin, end)) outside = true;
      });
      return Status::ok;
    });
  });
  return outside ? Status::bad_index : Status::ok;
}

Status write_single(const Rows& rows, std::int64_t size, const Place& place) {
  return by_size(size, [&](auto e) {
    using E = decltype(e);
    return with_index<E>(rows, [&](const auto& s) {
      return join_single(s, rows, place, [](E& row, const E& element) { row = element; });
    });
  });
}

Status add_single(const Rows& rows, const Place& place) {
  return with_index<float>(rows, [&](const auto& s) {
    return join_single(s, rows, place,
                       [](float& row, const float& element) { row = F32::store(row + element); });
  });
}

}  // namespace assay::kernels
