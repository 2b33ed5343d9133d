// Cross-entropy over rows of logits, and the negative log-likelihood loss: docs/determinism.md, R7.
#pragma once

#include "kernels/reduce/fused.hpp"

namespace assay::kernels {

/// logits [M, C] (f32 or bf16), target [M] (i64), class_weight [C] (f32, packed) or null. Per row, f32,
/// packed, [M]: loss (+0 where target == ignored), and for backward the largest logit and the log of the sum.
/// Nothing of the size of the logits is written. bad_index: a target outside [0, C) (CPU; CUDA traps).
/// `rounds`: the losses are those of log_softmax, rounded to the type of logits, and nll_loss.
Status cross_entropy(const View& logits, const View& target, const View* class_weight, std::int64_t ignored,
                     const View& loss, const View& largest, const View& log_sum, const Place& place,
                     bool rounds = false);
/// `scale`: the gradient of each row's loss, [M] or a scalar, f32. `out`: as logits, and may be them.
Status cross_entropy_backward(const View& logits, const View& target, const View* class_weight,
                              std::int64_t ignored, const View& largest, const View& log_sum,
                              const View& scale, const View& out, const Place& place);

enum class LossReduction : std::uint8_t { none, mean, sum };

/// Sum or mean of `losses` [M] (f32), as cross_entropy gives them: R1, and R1 over the rows' weights. out,
/// total_weight: scalars.
Status finish_loss(const View& losses, const View& target, const View* class_weight, std::int64_t classes,
                   LossReduction reduction, std::int64_t ignored, const View& out, const View& total_weight,
                   const Place& place);

/// ATen's nll_loss: in [M, C], target [M]; out [M] for none, else a scalar; total_weight a scalar (f32).
Status nll_loss(const View& in, const View& target, const View* class_weight, LossReduction reduction,
                std::int64_t ignored, const View& out, const View& total_weight, const Place& place);
/// grad: as out of the forward. `out` [M, C] is written whole.
Status nll_loss_backward(const View& grad, const View& target, const View* class_weight,
                         LossReduction reduction, std::int64_t ignored, const View& total_weight,
                         const View& out, const Place& place);

/// Jobs, checked, for run_fused() and reference::run_fused().
Status cross_entropy_job(FusedJob& job, const View& logits, const View& target, const View* class_weight,
                         std::int64_t ignored, const View& loss, const View& largest, const View& log_sum);
Status cross_entropy_backward_job(FusedJob& job, const View& logits, const View& target,
                                  const View* class_weight, std::int64_t ignored, const View& largest,
                                  const View& log_sum, const View& scale, const View& out);

}  // namespace assay::kernels
