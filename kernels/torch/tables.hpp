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
std::span<const Row> rows_random();

inline std::vector<std::span<const Row>> all_tables() {
  return {rows_exact(), rows_creation(), rows_copy(),  rows_pointwise(),
          rows_gemm(),  rows_reduce(),   rows_random()};
}

}  // namespace assay::kernels::aten
