// Operators that work along one dimension of several tensors of the same sizes: where each row begins in each
// of them.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/reduce/plan.hpp"

namespace assay::kernels {

inline constexpr int kRowTensors = 5;

struct Rows {
  int rank = 0;  ///< of the other dimensions, merged where all tensors allow
  std::int64_t size[kMaxRank] = {};
  std::int64_t stride[kRowTensors][kMaxRank] = {};
  std::int64_t step[kRowTensors] = {};  ///< along the row
  std::int64_t count = 1;               ///< rows
  std::int64_t n = 1;                   ///< elements of one
};

/// Rows along `dim` of `count` tensors, null where one is not there. A tensor may have size 1 along `dim`
/// (step 0), as results that are one a row have. A scalar counts as one row of one. bad_rank, bad_shape.
Status make_rows(const View* const* views, int count, int dim, Rows& rows);

ASSAY_HD std::int64_t row_of(const Rows& rows, int tensor, std::int64_t index) {
  return offset_at(index, rows.rank, rows.size, rows.stride[tensor]);
}

}  // namespace assay::kernels
