// Softmax and log-softmax, forward and backward: docs/determinism.md, R7.
#pragma once

#include "kernels/reduce/fused.hpp"

namespace assay::kernels {

/// Along `dim`; f32 or bf16 in and out, equal sizes, any strides; `out` may be `in`.
Status softmax(const View& in, int dim, const View& out, bool log, const Place& place);
/// `result`: what the forward gave. `out` may be `grad` or `result`.
Status softmax_backward(const View& grad, const View& result, int dim, const View& out, bool log,
                        const Place& place);

/// The same as jobs, checked, for run_fused() and reference::run_fused().
Status softmax_job(FusedJob& job, const View& in, int dim, const View& out, bool log);
Status softmax_backward_job(FusedJob& job, const View& grad, const View& result, int dim, const View& out,
                            bool log);

}  // namespace assay::kernels
