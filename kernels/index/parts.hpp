// One element's share of reading and writing by index, for host and device.
#pragma once

#include "kernels/index/elements.hpp"
#include "kernels/index/index.hpp"
#include "kernels/index/slots.hpp"

namespace assay::kernels {

struct Divided {
  std::int64_t above, rest;
};
ASSAY_HD Divided divided(std::int64_t i, std::int64_t by) {
  if (by == 1) return {i, 0};
  if ((i >> 32) == 0 && (by >> 32) == 0) {
    const auto a = static_cast<std::uint32_t>(i), b = static_cast<std::uint32_t>(by), q = a / b;
    return {q, a - q * b};
  }
  return {i / by, i % by};
}

/// i: (position, column). Each reads its own index; a bad one traps.
template <typename E>
struct ReadRows {
  Rows rows;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const Divided at = divided(i, rows.width);
    const std::int64_t slot = rows.slots.slot(at.above);
    if (slot < 0) {
      ASSAY_INDEX_TRAP();
      return;
    }
    static_cast<E*>(rows.plain)[rows.plain_row.offset(at.above) + rows.plain_column.offset(at.rest)] =
        static_cast<const E*>(rows.table)[rows.table_row.offset(slot) + rows.table_column.offset(at.rest)];
  }
};

struct JoinOptions {
  Join join = Join::last;
  bool includes_self = true;
  bool scales = false;
  float alpha = 1;
  std::int64_t alpha_integer = 1;
  bool by_frequency = false;
};

ASSAY_HD float scaled_(const JoinOptions& options, float x) { return options.scales ? options.alpha * x : x; }
ASSAY_HD std::int64_t scaled_(const JoinOptions& options, std::int64_t x) {
  return options.scales ? multiply_(options.alpha_integer, x) : x;
}

template <typename W>
ASSAY_HD W joined(Join join, W a, W b) {
  switch (join) {
    case Join::product:
      return multiply_(a, b);
    case Join::largest:
      return b > a || b != b ? b : a;
    case Join::smallest:
      return b < a || b != b ? b : a;
    default:
      return add_(a, b);
  }
}

/// Joins the contributions order[begin] ... order[end - 1] of one slot into columns c ... c + kColumns - 1.
template <typename T, int kColumns, typename Index>
ASSAY_HD void join_run(const Rows& rows, const JoinOptions& options, std::int64_t slot, const Index* order,
                       std::int64_t begin, std::int64_t end, std::int64_t c) {
  using Stored = typename T::Stored;
  using Wide = typename T::Wide;
  Stored* table = static_cast<Stored*>(rows.table) + rows.table_row.offset(slot);
  Wide sum[kColumns];
  std::int64_t column[kColumns];
  for (int k = 0; k < kColumns; ++k) {
    sum[k] = T::load(table[rows.table_column.offset(c + k)]);
    column[k] = rows.plain_column.offset(c + k);
  }
  // One addition waits for the one before it, but what is added need not be read so late. Several columns are
  // reading enough.
  constexpr int kTogether = kColumns == 1 ? 8 : 1;
  Stored next[kTogether][kColumns];
  for (std::int64_t p = begin; p < end; p += kTogether) {
    for (int t = 0; t < kTogether; ++t) {
      if (p + t >= end) continue;
      const auto from = static_cast<std::int64_t>(order[p + t]);
      const Stored* plain = static_cast<const Stored*>(rows.plain) + rows.plain_row.offset(from);
      for (int k = 0; k < kColumns; ++k) next[t][k] = plain[column[k]];
    }
    for (int t = 0; t < kTogether; ++t)
      for (int k = 0; k < kColumns && p + t < end; ++k) {
        Wide x = scaled_(options, T::load(next[t][k]));
        if (options.by_frequency) x = divide_(x, end - begin);
        sum[k] = p + t == begin && !options.includes_self ? x : joined(options.join, sum[k], x);
      }
  }
  const std::int64_t terms = end - begin + (options.includes_self ? 1 : 0);
  for (int k = 0; k < kColumns; ++k)
    table[rows.table_column.offset(c + k)] =
        T::store(options.join == Join::mean ? divide_(sum[k], terms) : sum[k]);
}

inline constexpr std::uint32_t kSkippedKey = 0xffffffff;

/// i: a position. Keys for the sort; a bad index traps.
struct WriteKeys {
  Slots slots;
  std::uint32_t* keys;
  std::uint32_t* values;
  std::uint32_t skipped;  ///< the key of positions that take no part: the number of slots
  ASSAY_HD_MEMBER void operator()(std::int64_t j) const {
    const std::int64_t slot = slots.slot(j);
    if (slot == kOutside) ASSAY_INDEX_TRAP();
    keys[j] = slot < 0 ? skipped : static_cast<std::uint32_t>(slot);
    values[j] = static_cast<std::uint32_t>(j);
  }
};

/// i: (place in the sorted order, column). The first of a run does its work.
template <typename T>
struct JoinSorted {
  Rows rows;
  JoinOptions options;
  const std::uint32_t* keys;
  const std::uint32_t* order;
  std::uint32_t skipped;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const Divided at = divided(i, rows.width);
    const std::uint32_t key = keys[at.above];
    if (key == skipped || (at.above > 0 && keys[at.above - 1] == key)) return;
    join_run<T, 1>(rows, options, key, order, at.above, run_end(key, at.above), at.rest);
  }

 private:
  // Most runs are short: strides double until one ends beyond the run, which is then halved.
  ASSAY_HD_MEMBER std::int64_t run_end(std::uint32_t key, std::int64_t begin) const {
    std::int64_t inside = begin, stride = 1;
    while (inside + stride < rows.positions && keys[inside + stride] == key) inside += stride, stride *= 2;
    while ((stride /= 2) > 0)
      if (inside + stride < rows.positions && keys[inside + stride] == key) inside += stride;
    return inside + 1;
  }
};

/// The last of a run writes.
template <typename E>
struct LastSorted {
  Rows rows;
  const std::uint32_t* keys;
  const std::uint32_t* order;
  std::uint32_t skipped;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const Divided at = divided(i, rows.width);
    const std::uint32_t key = keys[at.above];
    if (key == skipped || (at.above + 1 < rows.positions && keys[at.above + 1] == key)) return;
    static_cast<E*>(rows.table)[rows.table_row.offset(key) + rows.table_column.offset(at.rest)] =
        static_cast<const E*>(
            rows.plain)[rows.plain_row.offset(order[at.above]) + rows.plain_column.offset(at.rest)];
  }
};

}  // namespace assay::kernels
