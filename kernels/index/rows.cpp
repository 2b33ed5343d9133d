#include "kernels/index/rows.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "kernels/index/each.hpp"
#include "kernels/index/single.hpp"

namespace assay::kernels {

namespace {

bool all_multiples(const Layout& layout, std::int64_t of) {
  for (int d = 0; d < layout.rank; ++d)
    if (layout.stride[d] % of != 0) return false;
  return true;
}

void divide_strides(Layout& layout, std::int64_t by) {
  for (int d = 0; d < layout.rank; ++d) layout.stride[d] /= by;
}

// The slot of each position, in scratch memory; null and *status when that fails.
std::int64_t* slots_of(const Rows& rows, const Place& place, Status* status) {
  auto* slots = take_array<std::int64_t>(place, rows.positions);
  if (!slots) return *status = Status::out_of_memory, nullptr;
  std::atomic<bool> outside{false};
  place.threads->each(rows.positions, 8192, [&](std::int64_t begin, std::int64_t end) {
    bool bad = false;
    for (std::int64_t j = begin; j < end; ++j) {
      slots[j] = rows.slots.slot(j);
      bad |= slots[j] == kOutside;
    }
    if (bad) outside = true;
  });
  *status = outside ? Status::bad_index : Status::ok;
  return outside ? nullptr : slots;
}

bool columns_contiguous(const Rows& rows) {
  return rows.table_column.contiguous() && rows.plain_column.contiguous();
}

template <typename E>
void copy_row(const Rows& rows, E* to, const E* from, const Layout& to_column, const Layout& from_column) {
  if (rows.width == 1) {
    *to = *from;
  } else if (to_column.contiguous() && from_column.contiguous()) {
    std::memcpy(to, from, static_cast<std::size_t>(rows.width) * sizeof(E));
  } else {
    for (std::int64_t c = 0; c < rows.width; ++c) to[to_column.offset(c)] = from[from_column.offset(c)];
  }
}

// Positions that are worth a thread.
std::int64_t grain_of(const Rows& rows) {
  return std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, rows.width));
}

template <typename E>
Status read_cpu(const Rows& rows, const Place& place) {
  Status status;
  const std::int64_t* slots = slots_of(rows, place, &status);
  if (!slots) return status;
  place.threads->each(rows.positions, grain_of(rows), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = begin; j < end; ++j)
      copy_row(rows, static_cast<E*>(rows.plain) + rows.plain_row.offset(j),
               static_cast<const E*>(rows.table) + rows.table_row.offset(slots[j]), rows.plain_column,
               rows.table_column);
  });
  return Status::ok;
}

// A thread owns slots and goes through all positions in order.
template <typename F>
void each_owned(const Rows& rows, const std::int64_t* slots, const Place& place, F&& f) {
  const std::int64_t work = rows.positions * std::max<std::int64_t>(1, rows.width);
  const std::int64_t parts = std::max<std::int64_t>(1, work / 32768);
  place.threads->each(rows.slot_count, (rows.slot_count + parts - 1) / parts,
                      [&](std::int64_t begin, std::int64_t end) {
                        for (std::int64_t j = 0; j < rows.positions; ++j)
                          if (slots[j] >= begin && slots[j] < end) f(j, slots[j]);
                      });
}

template <typename E>
void write_last(const Rows& rows, const std::int64_t* slots, const Place& place) {
  each_owned(rows, slots, place, [&](std::int64_t j, std::int64_t slot) {
    copy_row(rows, static_cast<E*>(rows.table) + rows.table_row.offset(slot),
             static_cast<const E*>(rows.plain) + rows.plain_row.offset(j), rows.table_column,
             rows.plain_column);
  });
}

// A sum in the type that it is stored in: nothing is lost by storing between two contributions.
void add_floats(const Rows& rows, const JoinOptions& options, const std::int64_t* slots, const Place& place) {
  const bool plain_columns = columns_contiguous(rows);
  each_owned(rows, slots, place, [&](std::int64_t j, std::int64_t slot) {
    float* to = static_cast<float*>(rows.table) + rows.table_row.offset(slot);
    const float* from = static_cast<const float*>(rows.plain) + rows.plain_row.offset(j);
    if (plain_columns && !options.scales) {
      for (std::int64_t c = 0; c < rows.width; ++c) to[c] = F32::store(to[c] + from[c]);
      return;
    }
    for (std::int64_t c = 0; c < rows.width; ++c) {
      float& sum = to[rows.table_column.offset(c)];
      sum = F32::store(sum + scaled_(options, from[rows.plain_column.offset(c)]));
    }
  });
}

// Positions in ascending (slot, position); how many take part.
std::int64_t sort_positions(const Rows& rows, const std::int64_t* slots, std::int64_t* order,
                            const Place& place, Status* status) {
  std::int64_t taking = 0;
  *status = Status::ok;
  if (rows.slot_count <= 4 * rows.positions + 4096) {
    auto* start = take_array<std::int64_t>(place, rows.slot_count + 1);
    if (!start) return *status = Status::out_of_memory, 0;
    std::fill(start, start + rows.slot_count + 1, 0);
    for (std::int64_t j = 0; j < rows.positions; ++j)
      if (slots[j] >= 0) ++start[slots[j] + 1], ++taking;
    for (std::int64_t s = 0; s < rows.slot_count; ++s) start[s + 1] += start[s];
    for (std::int64_t j = 0; j < rows.positions; ++j)
      if (slots[j] >= 0) order[start[slots[j]]++] = j;
    return taking;
  }
  for (std::int64_t j = 0; j < rows.positions; ++j)
    if (slots[j] >= 0) order[taking++] = j;
  std::sort(order, order + taking, [&](std::int64_t a, std::int64_t b) {
    return slots[a] != slots[b] ? slots[a] < slots[b] : a < b;
  });
  return taking;
}

// A sum of one slot's contributions, columns side by side: the common case of bf16, in loops that become
// vectors.
template <typename T>
void add_run(const Rows& rows, std::int64_t slot, const std::int64_t* order, std::int64_t begin,
             std::int64_t end) {
  constexpr std::int64_t kTogether = 64;
  auto* table = static_cast<typename T::Stored*>(rows.table) + rows.table_row.offset(slot);
  const auto* plain = static_cast<const typename T::Stored*>(rows.plain);
  for (std::int64_t c = 0; c < rows.width; c += kTogether) {
    const std::int64_t n = std::min(kTogether, rows.width - c);
    typename T::Wide sum[kTogether];
    for (std::int64_t k = 0; k < n; ++k) sum[k] = T::load(table[c + k]);
    for (std::int64_t p = begin; p < end; ++p) {
      const auto* from = plain + rows.plain_row.offset(order[p]) + c;
      for (std::int64_t k = 0; k < n; ++k) sum[k] = add_(sum[k], T::load(from[k]));
    }
    for (std::int64_t k = 0; k < n; ++k) table[c + k] = T::store(sum[k]);
  }
}

template <typename T>
Status join_cpu(const Rows& rows, const JoinOptions& options, const std::int64_t* slots, const Place& place) {
  auto* order = take_array<std::int64_t>(place, rows.positions);
  if (!order) return Status::out_of_memory;
  Status status;
  const std::int64_t taking = sort_positions(rows, slots, order, place, &status);
  if (status != Status::ok) return status;
  constexpr int kTogether = 16;
  const bool plain_sum = options.join == Join::sum && options.includes_self && !options.scales &&
                         !options.by_frequency && columns_contiguous(rows);
  place.threads->each(taking, grain_of(rows), [&](std::int64_t begin, std::int64_t end) {
    std::int64_t p = begin;
    while (p > 0 && p < end && slots[order[p]] == slots[order[p - 1]]) ++p;  // that run is the part's before
    while (p < end) {
      const std::int64_t slot = slots[order[p]];
      std::int64_t last = p + 1, c = 0;
      while (last < taking && slots[order[last]] == slot) ++last;
      if (plain_sum) add_run<T>(rows, slot, order, p, last), c = rows.width;
      for (; c + kTogether <= rows.width; c += kTogether)
        join_run<T, kTogether>(rows, options, slot, order, p, last, c);
      for (; c < rows.width; ++c) join_run<T, 1>(rows, options, slot, order, p, last, c);
      p = last;
    }
  });
  return Status::ok;
}

Status write_cpu(const Rows& rows, Type type, const JoinOptions& options, const Place& place) {
  const bool adds_floats =
      type == Type::f32 && options.join == Join::sum && options.includes_self && !options.by_frequency;
  if (is_single(rows) && options.join == Join::last) return write_single(rows, size_of(type), place);
  if (is_single(rows) && adds_floats && !options.scales) return add_single(rows, place);
  Status status;
  const std::int64_t* slots = slots_of(rows, place, &status);
  if (!slots) return status;
  if (options.join == Join::last) {
    by_size(size_of(type), [&](auto e) { write_last<decltype(e)>(rows, slots, place); });
    return Status::ok;
  }
  if (adds_floats) {
    add_floats(rows, options, slots, place);
    return Status::ok;
  }
  switch (type) {
    case Type::f32:
      return join_cpu<F32>(rows, options, slots, place);
    case Type::bf16:
      return join_cpu<Bf16>(rows, options, slots, place);
    case Type::i32:
      return join_cpu<I32>(rows, options, slots, place);
    case Type::i64:
      return join_cpu<I64>(rows, options, slots, place);
    default:
      return Status::bad_type;
  }
}

}  // namespace

std::int64_t widen(Rows& rows, std::int64_t size) {
  if (!columns_contiguous(rows) || rows.width == 1) return size;
  for (std::int64_t wide = 16; wide > size; wide /= 2) {
    const std::int64_t by = wide / size;
    const auto aligned = [&](const void* p) {
      return reinterpret_cast<std::uintptr_t>(p) % static_cast<std::uintptr_t>(wide) == 0;
    };
    if (rows.width % by != 0 || !aligned(rows.table) || !aligned(rows.plain) ||
        !all_multiples(rows.table_row, by) || !all_multiples(rows.plain_row, by))
      continue;
    rows.width /= by;
    divide_strides(rows.table_row, by), divide_strides(rows.plain_row, by);
    return wide;
  }
  return size;
}

Status read_rows(Rows rows, std::int64_t size, const Place& place) {
  if (rows.positions == 0 || rows.width == 0) return Status::ok;
  if (!place.cuda && is_single(rows)) return read_single(rows, size, place);
  if (!place.cuda) return by_size(size, [&](auto e) { return read_cpu<decltype(e)>(rows, place); });
#if defined(ASSAY_HAS_CUDA)
  const std::int64_t wide = widen(rows, size);
  return read_rows_cuda(rows, wide, place);
#else
  return Status::no_cuda;
#endif
}

Status write_rows(const Rows& rows, Type type, const JoinOptions& options, const Place& place) {
  if (rows.positions == 0 || rows.width == 0) return Status::ok;
  const bool adds = type == Type::f32 || type == Type::bf16 || type == Type::i32 || type == Type::i64;
  if (options.join != Join::last && !adds) return Status::bad_type;
  if (!place.cuda) return write_cpu(rows, type, options, place);
#if defined(ASSAY_HAS_CUDA)
  return write_rows_cuda(rows, type, options, place);
#else
  return Status::no_cuda;
#endif
}

}  // namespace assay::kernels
