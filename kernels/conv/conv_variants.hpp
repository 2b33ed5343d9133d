// What conv.cpp calls in each variant, and what conv.cu gives it.
#pragma once

#include "kernels/conv/conv_job.hpp"
#include "kernels/core/variant.hpp"

namespace assay::kernels {

/// Lines [begin, end) of the output: a line is one (batch, channel, first two positions), all of the last
/// dimension. The input's last stride is 1.
ASSAY_VARIANTS(void conv_lines(const ConvJob& job, std::int64_t begin, std::int64_t end))
/// Sums [begin, end) of a weight's gradient. The last strides of x and gradient are 1.
ASSAY_VARIANTS(void conv_weight_sums(const WeightJob& job, std::int64_t begin, std::int64_t end))

Status convolve_cuda(const ConvJob& job, const Place& place);
Status weight_sums_cuda(const WeightJob& job, const Place& place);

}  // namespace assay::kernels
