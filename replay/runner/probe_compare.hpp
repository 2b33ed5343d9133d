// Two results of a model held against each other, position by position.
#pragma once

#include <ATen/core/Tensor.h>
#include <string>

namespace assay::replay {

/// Of (rows, length, width) tensors.
struct Compared {
  bool same = true;
  std::int64_t row = 0, position = 0;  ///< the first that differs
  double largest = 0;                  ///< difference over the largest value there is

  void add(const Compared& other) {
    if (same || (!other.same && other.largest > largest)) *this = other;
  }
};

/// Rows [0, rows) and positions [0, length) of both, those of `b` counted from `row_b`, `position_b`, those
/// of `a` from `position_a`. NaN against NaN is the same.
struct Window {
  std::int64_t rows = 0, length = 0, position_a = 0, row_b = 0, position_b = 0, row_a = 0;
};
Compared compare(const at::Tensor& a, const at::Tensor& b, const Window& window);

/// "no" where all bits are the same; "rounding" where no more differs than another order of additions
/// explains; else "yes".
std::string answer_of(const Compared& compared, bool bf16);
/// "from position 17 of row 0 on, by 0.0031 of the largest value"
std::string difference_text(const Compared& compared);

}  // namespace assay::replay
