// What fft.cpp calls in each variant.
#pragma once

#include "kernels/conv/fft_job.hpp"
#include "kernels/core/variant.hpp"

namespace assay::kernels {

/// A stage over one line.
ASSAY_VARIANTS(void fft_stage_line(const Stage& stage, const float* in, float* out))

}  // namespace assay::kernels
