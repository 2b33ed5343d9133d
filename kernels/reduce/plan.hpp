// A reduction seen as kept x reduced: dimensions of size 1 dropped, mergeable ones merged. The order of the
// reduced dimensions is the contract's index and stays; the order of the kept ones is free and follows
// memory.
#pragma once

#include "kernels/core/hd.hpp"
#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

struct ReducePlan {
  int kept_rank = 0;
  int rank = 0;  ///< of the reduced dimensions
  std::int64_t kept_size[kMaxRank] = {};
  std::int64_t kept_in[kMaxRank] = {};      ///< strides of the input
  std::int64_t kept_out[kMaxRank] = {};     ///< strides of the output
  std::int64_t kept_second[kMaxRank] = {};  ///< strides of the second output
  std::int64_t size[kMaxRank] = {};         ///< reduced
  std::int64_t stride[kMaxRank] = {};
  std::int64_t kept = 1;  ///< output elements
  std::int64_t n = 1;     ///< elements that make one of them
};

/// `dims`: bit d set: dimension d of `in` is reduced. `out` and `second` (may be null) have the sizes of the
/// kept dimensions, with or without ones in place of the reduced. bad_rank, bad_shape.
Status make_plan(const View& in, std::uint64_t dims, const View& out, const View* second, ReducePlan& plan);

/// index / size, neither below 0; on a GPU by 32 bits where both fit.
ASSAY_HD std::int64_t quotient_of(std::int64_t index, std::int64_t size) {
#if defined(__CUDA_ARCH__)
  if (((index | size) >> 32) == 0)
    return static_cast<std::uint32_t>(index) / static_cast<std::uint32_t>(size);
#endif
  return index / size;
}

/// Offset (elements) of logical position `index` under sizes and strides.
ASSAY_HD std::int64_t offset_at(std::int64_t index, int rank, const std::int64_t* size,
                                const std::int64_t* stride) {
  std::int64_t offset = 0;
  for (int d = rank - 1; d > 0; --d) {
    const std::int64_t next = quotient_of(index, size[d]);
    offset += (index - next * size[d]) * stride[d];
    index = next;
  }
  return rank > 0 ? offset + index * stride[0] : 0;
}

/// The same of a plan's reduced elements, without divisions: of one dimension, or of two of which the inner
/// has a power of two of elements.
struct RowPlaces {
  bool known;  ///< whether the plan's are such; else at() is not to be asked
  bool one;
  int shift = 0;
  std::int64_t inner, outer_stride, inner_stride;

  ASSAY_HD_MEMBER explicit RowPlaces(const ReducePlan& plan)
      : known(plan.rank <= 1 || (plan.rank == 2 && (plan.size[1] & (plan.size[1] - 1)) == 0)),
        one(plan.rank <= 1),
        inner(plan.size[1]),
        outer_stride(plan.rank > 0 ? plan.stride[0] : 0),
        inner_stride(plan.stride[1]) {
    while (!one && (std::int64_t{1} << shift) < inner) ++shift;
  }
  ASSAY_HD_MEMBER std::int64_t at(std::int64_t row) const {
    return one ? row * outer_stride : (row >> shift) * outer_stride + (row & (inner - 1)) * inner_stride;
  }
};

/// Whether an output's elements depend on consecutive memory.
ASSAY_HD bool has_contiguous_rows(const ReducePlan& plan) {
  return plan.rank == 0 || (plan.rank == 1 && plan.stride[0] == 1);
}

/// Whether neighbouring outputs depend on neighbouring memory.
ASSAY_HD bool has_contiguous_columns(const ReducePlan& plan) {
  return plan.kept_rank > 0 && plan.kept_in[plan.kept_rank - 1] == 1;
}

}  // namespace assay::kernels
