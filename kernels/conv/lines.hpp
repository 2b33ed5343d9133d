// The CUDA side of convolutions along one line with one input channel a group: depthwise ones, short and
// long.
#pragma once

#include "kernels/conv/conv_job.hpp"
#include "kernels/core/place.hpp"

namespace assay::kernels {

/// Whether a job is for conv_lines.cu, and that.
bool takes_lines(const ConvJob& job);
Status convolve_lines_cuda(const ConvJob& job, const Place& place);

/// Whether a weight's gradient is for weight_lines.cu, and job.partial by that.
bool takes_weight_lines(const WeightJob& job);
Status weight_lines_cuda(const WeightJob& job, const Place& place);

}  // namespace assay::kernels
