// Connectionist temporal classification: docs/determinism.md, R7.8. fp32.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// What both directions take. log_probs (T, batch, classes) f32; the rest i64 in the Place's memory: targets
/// (any number) the labels of all, first[n] where batch element n's begin, and how many of its steps and
/// labels count.
struct Ctc {
  View log_probs, targets, first, input_lengths, target_lengths;
  std::int64_t blank = 0;
};

/// loss (batch), alphas (batch, T, 2 * longest target + 1), both f32; what alphas has beyond an element's
/// lengths is -infinity. bad_index: a length or label outside its range (CUDA: a trap).
Status ctc_loss(const Ctc& ctc, const View& loss, const View& alphas, const Place& place);
/// gradient (T, batch, classes). gradient_loss (batch); loss and alphas as ctc_loss gave them.
/// `zero_infinity`: +0 where the loss is infinite.
Status ctc_loss_gradient(const Ctc& ctc, const View& gradient_loss, const View& loss, const View& alphas,
                         bool zero_infinity, const View& gradient, const Place& place);

namespace reference {
Status ctc_loss(const Ctc& ctc, const View& loss, const View& alphas);
Status ctc_loss_gradient(const Ctc& ctc, const View& gradient_loss, const View& loss, const View& alphas,
                         bool zero_infinity, const View& gradient);
}  // namespace reference

}  // namespace assay::kernels
