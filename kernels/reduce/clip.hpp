// The norm of all gradients and the factor that clips them: docs/determinism.md, R7.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// out (scalar, f32) = sqrt(R1 over the tensors' sums of squares, in their order), each sum R1 over
/// fp32(x*x). Tensors: f32 or bf16, any shape and strides, none of them empty or all.
Status total_norm(const View* tensors, std::int64_t count, const View& out, const Place& place);

/// out (scalar, f32) = min(1, fp32(largest / fp32(norm + 1e-6))); NaN stays NaN.
Status clip_factor(const View& norm, double largest, const View& out, const Place& place);

}  // namespace assay::kernels
