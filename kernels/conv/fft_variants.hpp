// What fft.cpp calls in each variant.
#pragma once

#include "kernels/conv/fft_job.hpp"
#include "kernels/core/variant.hpp"

namespace assay::kernels {

/// A stage over one line; lines of a group, side by side in a vector's lanes (0: none left of memory), from
/// `fft_group_lines` on: groups [begin, end).
ASSAY_VARIANTS(void fft_stage_line(const Stage& stage, const float* in, float* out);
               std::int64_t fft_group_lines();
               bool fft_groups(const FftJob& job, std::int64_t begin, std::int64_t end))

ASSAY_HD std::int64_t smallest_factor(std::int64_t n) {
  for (std::int64_t p = 2; p * p <= n; ++p)
    if (n % p == 0) return p;
  return n;
}

}  // namespace assay::kernels
