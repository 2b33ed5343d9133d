// All tables of operators: kernels/torch/table_*.cpp, each one family.
#pragma once

#include <span>
#include <vector>

#include "kernels/torch/call.hpp"

namespace assay::kernels::aten {

std::span<const Row> rows_exact();
std::span<const Row> rows_creation();
std::span<const Row> rows_copy();
std::span<const Row> rows_pointwise();
std::span<const Row> rows_gemm();
std::span<const Row> rows_reduce();
std::span<const Row> rows_fused();
std::span<const Row> rows_index();
std::span<const Row> rows_random();
std::span<const Row> rows_dropout();
std::span<const Row> rows_above();
std::span<const Row> rows_conv();
std::span<const Row> rows_losses();
std::span<const Row> rows_order();
std::span<const Row> rows_recurrent();
std::span<const Row> rows_sample();
std::span<const Row> rows_composites();
std::span<const Row> rows_formulas();
std::span<const Row> rows_watched();

/// _foreach_*: all operators over lists of tensors.
const Row& row_of_lists();

inline std::vector<std::span<const Row>> all_tables() {
  return {rows_exact(),  rows_creation(),   rows_copy(),     rows_pointwise(), rows_gemm(),
          rows_reduce(), rows_fused(),      rows_index(),    rows_random(),    rows_dropout(),
          rows_above(),  rows_conv(),       rows_losses(),   rows_order(),     rows_recurrent(),
          rows_sample(), rows_composites(), rows_formulas(), rows_watched()};
}

}  // namespace assay::kernels::aten
