// LayerNorm and RMSNorm over the columns of [M, N], forward and backward: docs/determinism.md, R7.
#pragma once

#include "kernels/reduce/fused.hpp"

namespace assay::kernels {

/// in, out: [M, N], f32 or bf16, any strides. weight, bias: [N], packed, or null. mean, rstd: [M], packed,
/// f32 or bf16, or null: saved for backward.
Status layer_norm(const View& in, const View* weight, const View* bias, double epsilon, const View& out,
                  const View* mean, const View* rstd, const Place& place);
Status rms_norm(const View& in, const View* weight, double epsilon, const View& out, const View* rstd,
                const Place& place);

/// Gradient of the input. `mean` null: RMSNorm.
Status norm_backward_input(const View& grad, const View& in, const View* mean, const View& rstd,
                           const View* weight, const View& out, const Place& place);
/// Gradients of weight and bias, [N], each null when not wanted: R1 down the rows. `mean` null: RMSNorm.
Status norm_backward_columns(const View& grad, const View& in, const View* mean, const View& rstd,
                             const View* grad_weight, const View* grad_bias, const Place& place);

/// The same as jobs, checked, for run_fused() and reference::run_fused().
Status norm_job(FusedJob& job, bool centred, const View& in, const View* weight, const View* bias,
                double epsilon, const View& out, const View* mean, const View* rstd);
Status norm_backward_job(FusedJob& job, bool centred, const View& grad, const View& in, const View* mean,
                         const View& rstd, const View* weight, const View& out);

}  // namespace assay::kernels
