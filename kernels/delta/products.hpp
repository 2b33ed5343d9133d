// Small matrix products of the CPU's delta rule: one ascending chain of fused multiply-adds an element (R2),
// tiles in registers. Included by variant files alone; internal linkage throughout.
#pragma once

// g++ 12 takes the undefined vector inside its own intrinsics for one of ours.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#include "kernels/gemm/simd.hpp"

namespace assay::kernels::ASSAY_VARIANT {
namespace {

struct Left {
  const float* data;
  std::int64_t row, k;  ///< strides: along the result's rows, and along k
};
ASSAY_HD Left plain(const float* data, std::int64_t columns) { return {data, columns, 1}; }
ASSAY_HD Left turned(const float* data, std::int64_t columns) { return {data, 1, columns}; }

constexpr int kTileRows = 8;

template <int R, int C>
void product_tile(float* c, std::int64_t c_row, const Left& a, const float* b, std::int64_t b_row, int depth,
                  int tail) {
  Vector sum[R][C];
  const Mask mask = mask_of(tail);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < C; ++j) sum[r][j] = zero();
  const float* left = a.data;
  for (int p = 0; p < depth; ++p, left += a.k, b += b_row) {
    Vector right[C];
#pragma GCC unroll 2
    for (int j = 0; j < C; ++j) right[j] = j + 1 < C ? load(b + j * kWidth) : load(b + j * kWidth, mask);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vector x = broadcast(left[r * a.row]);
#pragma GCC unroll 2
      for (int j = 0; j < C; ++j) sum[r][j] = multiply_add(x, right[j], sum[r][j]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < C; ++j) {
      float* const to = c + r * c_row + j * kWidth;
      if (j + 1 < C)
        store(to, sum[r][j]);
      else
        store(to, sum[r][j], mask);
    }
}

/// c (rows x columns, packed) = a b; b: depth x columns, packed.
void product(float* c, const Left& a, const float* b, int rows, int columns, int depth) {
  for (int j = 0; j < columns; j += 2 * kWidth) {
    const int here = columns - j < 2 * kWidth ? columns - j : 2 * kWidth;
    const bool two = here > kWidth;
    const int tail = two ? here - kWidth : here;
    int r = 0;
    for (; r + kTileRows <= rows; r += kTileRows) {
      const Left from{a.data + r * a.row, a.row, a.k};
      float* const to = c + std::int64_t{r} * columns + j;
      if (two)
        product_tile<kTileRows, 2>(to, columns, from, b + j, columns, depth, tail);
      else
        product_tile<kTileRows, 1>(to, columns, from, b + j, columns, depth, tail);
    }
    for (; r < rows; ++r) {
      const Left from{a.data + r * a.row, a.row, a.k};
      float* const to = c + std::int64_t{r} * columns + j;
      if (two)
        product_tile<1, 2>(to, columns, from, b + j, columns, depth, tail);
      else
        product_tile<1, 1>(to, columns, from, b + j, columns, depth, tail);
    }
  }
}

/// to (columns x rows) = from (rows x columns), transposed.
void turn(float* to, const float* from, int rows, int columns) {
  for (int i = 0; i < rows; i += kWidth)
    for (int j = 0; j < columns; j += kWidth) {
      const int high = rows - i < kWidth ? rows - i : kWidth,
                wide = columns - j < kWidth ? columns - j : kWidth;
      const Mask in = mask_of(wide), out = mask_of(high);
      Vector lines[kWidth];
#pragma GCC unroll 16
      for (int r = 0; r < kWidth; ++r)
        lines[r] = r < high ? load(from + std::int64_t{i + r} * columns + j, in) : zero();
      transpose(lines);
#pragma GCC unroll 16
      for (int r = 0; r < kWidth; ++r)
        if (r < wide) store(to + std::int64_t{j + r} * rows + i, lines[r], out);
    }
}

}  // namespace
}  // namespace assay::kernels::ASSAY_VARIANT
