// What fft.cpp calls in each variant.
#pragma once

#include "kernels/conv/fft_job.hpp"
#include "kernels/core/variant.hpp"

namespace assay::kernels {

/// Transforms of many lines: a group of them side by side in a vector's lanes.
struct FftJob {
  const float* in;
  float* out;
  Side from;
  bool real;  ///< what comes out
  bool scales;
  float scale;
  std::int64_t n, kept, lines;
  const Complex* table;
  std::int64_t in_stride, out_stride;  ///< from element to element, in elements of in and out
  Layout in_lines, out_lines;
};

/// A stage over one line; lines of a group (0: none left of memory) from `fft_group_lines` on: groups [begin,
/// end).
ASSAY_VARIANTS(void fft_stage_line(const Stage& stage, const float* in, float* out);
               std::int64_t fft_group_lines();
               bool fft_groups(const FftJob& job, std::int64_t begin, std::int64_t end))

ASSAY_HD std::int64_t smallest_factor(std::int64_t n) {
  for (std::int64_t p = 2; p * p <= n; ++p)
    if (n % p == 0) return p;
  return n;
}

}  // namespace assay::kernels
