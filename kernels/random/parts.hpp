// One element's, or one block's, share of the operators that are more than a fill: run by each() on both
// sides.
#pragma once

#include "kernels/index/layout.hpp"
#include "kernels/random/job.hpp"
#include "kernels/random/random.hpp"

namespace assay::kernels {

ASSAY_HD StreamKey key_at(const RandomState* state) {
  return StreamKey{state->seed, state->step, state->call};
}

struct PermutationKeys {
  const RandomState* state;
  std::uint64_t* keys;
  std::int64_t* values;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const Words words = block_of(key_at(state), static_cast<std::uint64_t>(i) / 2);
    const int k = static_cast<int>(i & 1) * 2;
    keys[i] = integer_below(words.w[k], words.w[k + 1], 0);
    values[i] = i;
  }
};

struct StoreIntegers {
  const std::int64_t* values;
  void* data;
  Type type;
  std::int64_t stride;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const { store_integer(data, type, i * stride, values[i]); }
};

struct Dropout {
  const void* x;
  void* out;
  std::uint8_t* kept;  ///< null: not wanted
  Type type;
  float keep, scale;
  Layout x_layout, out_layout, kept_layout;
  std::int64_t count;
  const RandomState* state;

  ASSAY_HD_MEMBER void element(std::int64_t i, float u) const {
    const bool keeps = u < keep;
    const float v = load_float(x, type, x_layout.offset(i)) * (keeps ? scale : 0.0F);
    store_float(out, type, out_layout.offset(i), v == v ? v : float_of(kNan32));
    if (kept) kept[kept_layout.offset(i)] = keeps;
  }
  /// Block `b` of words: four elements.
  ASSAY_HD_MEMBER void operator()(std::int64_t b) const {
    const Words words = block_of(key_at(state), static_cast<std::uint64_t>(b));
    for (int k = 0; k < 4; ++k)
      if (4 * b + k < count) element(4 * b + k, unit24(words.w[k]));
  }
};

struct DropoutBackward {
  const void* gradient_out;
  const std::uint8_t* kept;
  void* gradient;
  Type type;
  float scale;
  Layout out_layout, kept_layout, gradient_layout;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const float noise = kept[kept_layout.offset(i)] ? scale : 0.0F;
    const float v = load_float(gradient_out, type, out_layout.offset(i)) * noise;
    store_float(gradient, type, gradient_layout.offset(i), v == v ? v : float_of(kNan32));
  }
};

/// R3's leaves of one row: `ends[row * leaves + l]` first gets the leaf's total, then the cumulative sum at
/// its end.
struct Weights {
  const void* data;
  Type type;
  std::int64_t row_stride, stride, n, leaves;
  float* ends;
  ASSAY_HD_MEMBER float at(std::int64_t row, std::int64_t j) const {
    return load_float(data, type, row * row_stride + j * stride);
  }
};

struct LeafTotals {
  Weights w;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const std::int64_t row = i / w.leaves, first = i % w.leaves * 64;
    float sum = w.at(row, first);
    for (std::int64_t j = first + 1; j < first + 64 && j < w.n; ++j) sum += w.at(row, j);
    w.ends[i] = sum;
  }
};

struct LeafEnds {
  Weights w;
  ASSAY_HD_MEMBER void operator()(std::int64_t row) const {
    float* ends = w.ends + row * w.leaves;
    for (std::int64_t l = 1; l < w.leaves; ++l) ends[l] = ends[l - 1] + ends[l];
  }
};

struct Samples {
  Weights w;
  std::int64_t* out;
  std::int64_t samples, out_row, out_stride;
  const RandomState* state;

  ASSAY_HD_MEMBER std::int64_t last_positive(std::int64_t row) const {
    for (std::int64_t j = w.n; j-- > 0;)
      if (w.at(row, j) > 0) return j;
    return w.n - 1;
  }
  ASSAY_HD_MEMBER std::int64_t first_above(std::int64_t row, float t) const {
    const float* ends = w.ends + row * w.leaves;
    std::int64_t low = 0, high = w.leaves;  // the first leaf whose end is above t; ends ascend
    while (low < high) {
      const std::int64_t middle = (low + high) / 2;
      if (ends[middle] > t)
        high = middle;
      else
        low = middle + 1;
    }
    if (low == w.leaves) return last_positive(row);
    float local = w.at(row, low * 64);
    for (std::int64_t j = low * 64;;) {
      if ((low == 0 ? local : ends[low - 1] + local) > t) return j;
      if (++j >= w.n || j >= low * 64 + 64) return last_positive(row);
      local += w.at(row, j);
    }
  }
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const std::int64_t row = i / samples;
    const Words words = block_of(key_at(state), static_cast<std::uint64_t>(i) / 4);
    const float t = unit24(words.w[i & 3]) * w.ends[row * w.leaves + w.leaves - 1];
    out[row * out_row + i % samples * out_stride] = first_above(row, t);
  }
};

}  // namespace assay::kernels
