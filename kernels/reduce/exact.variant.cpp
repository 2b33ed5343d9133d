// Exact reductions on the CPU. Order does not matter, so loops are free; a row's extreme is found by value,
// then placed.
#include "kernels/reduce/bounds.hpp"
#include "kernels/reduce/exact_rules.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

inline constexpr std::int64_t kColumnTile = 64;

/// Parts of 256 by their winner; only the first part that has the row's is searched.
template <typename O, typename T>
static Found extreme_of_row(const T* x, std::int64_t begin, std::int64_t end, bool smallest) {
  constexpr std::int64_t part = 256;
  float best = O::neutral();
  std::int64_t at = begin;
  for (std::int64_t p = begin; p < end; p += part) {
    const float here = extreme_key<O, true>(x + p, p + part < end ? part : end - p);
    if (bits_of(O::joined(here, best)) != bits_of(best)) best = here, at = p;
  }
  const auto key = [&](std::int64_t i) {
    // By bits, as the bounds were: an addition of +0 would lose subnormals where somebody has them flushed.
    const std::uint32_t bits = bits_of(widened(x[i]));
    const float v = float_of(bits == 0x80000000u ? 0u : bits);
    return bits_of(smallest ? smallest_key(v) : largest_key(v));
  };
  while (at + 1 < end && key(at) != bits_of(best)) ++at;
  return {key_of_number(widened(x[at]), smallest), at};
}

template <typename T>
static Found extreme(const T* x, std::int64_t begin, std::int64_t end, bool smallest) {
  return smallest ? extreme_of_row<Op<SmallestOrder, Smallest>>(x, begin, end, true)
                  : extreme_of_row<Op<LargestOrder, Largest>>(x, begin, end, false);
}

static Found any_row(const ExactJob& job, std::int64_t row, std::int64_t begin, std::int64_t end) {
  Found all = nothing_found(job.op);
  const ReducePlan& plan = job.plan;
  const int last = plan.rank - 1;
  const std::int64_t inner = last >= 0 ? plan.size[last] : 1, step = last >= 0 ? plan.stride[last] : 0;
  for (std::int64_t i = begin; i < end;) {
    std::int64_t at = row + offset_at(i, plan.rank, plan.size, plan.stride);
    std::int64_t stop = i + inner - i % inner;
    for (stop = stop < end ? stop : end; i < stop; ++i, at += step)
      all = join_found(job.op, all, {key_at(job, at), i});
  }
  return all;
}

static Found found_in_row(const ExactJob& job, std::int64_t row, std::int64_t begin, std::int64_t end) {
  if (is_extreme(job.op) && has_contiguous_rows(job.plan)) {
    const bool smallest = job.op == Exact::min;
    if (job.in_type == Type::f32)
      return extreme(static_cast<const float*>(job.in) + row, begin, end, smallest);
    if (job.in_type == Type::bf16)
      return extreme(static_cast<const std::uint16_t*>(job.in) + row, begin, end, smallest);
  }
  return any_row(job, row, begin, end);
}

}  // namespace

void exact_rows(const ExactJob& job, std::int64_t begin, std::int64_t end) {
  const ReducePlan& plan = job.plan;
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t kept = item / job.chunks, from = (item - kept * job.chunks) * job.chunk;
    const std::int64_t to = from + job.chunk < plan.n ? from + job.chunk : plan.n;
    const std::int64_t row = offset_at(kept, plan.kept_rank, plan.kept_size, plan.kept_in);
    const Found found = found_in_row(job, row, from, to);
    if (job.chunks > 1)
      job.partials[item] = found;
    else
      store_found(job, kept, found);
  }
}

void exact_columns(const ExactJob& job, std::int64_t begin, std::int64_t end) {
  const ReducePlan& plan = job.plan;
  const int inner = plan.kept_rank - 1;
  const std::int64_t columns = plan.kept_size[inner], tiles = (columns + kColumnTile - 1) / kColumnTile;
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t outer = item / tiles, column = item % tiles * kColumnTile;
    const std::int64_t width = columns - column < kColumnTile ? columns - column : kColumnTile;
    const std::int64_t base = column + offset_at(outer, inner, plan.kept_size, plan.kept_in);
    Found all[kColumnTile];
    for (std::int64_t c = 0; c < width; ++c) all[c] = nothing_found(job.op);
    for (std::int64_t i = 0; i < plan.n; ++i) {
      const std::int64_t at = base + offset_at(i, plan.rank, plan.size, plan.stride);
      for (std::int64_t c = 0; c < width; ++c) all[c] = join_found(job.op, all[c], {key_at(job, at + c), i});
    }
    for (std::int64_t c = 0; c < width; ++c) store_found(job, outer * columns + column + c, all[c]);
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
