// One fused optimizer step over lists of tensors: docs/determinism.md, R9. The bits are those of
// torch.optim's single-tensor form (capturable=False) made of this library's pointwise operators; the list
// form is each tensor on its own.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

struct AdamOptions {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 1e-2;
  bool decoupled = true;  ///< AdamW; false: Adam, the decay goes into the gradient
  bool amsgrad = false;
  bool maximize = false;
};

/// What a step needs of its options, each computed in fp64 and rounded once. Lies in the Place's memory, so
/// that a captured CUDA graph takes the values of the step it is replayed for.
struct AdamScalars {
  float decay = 1;         ///< 1 - lr * weight_decay
  float weight_decay = 0;  ///< for Adam
  float lerp_weight = 0;   ///< 1 - beta1
  float beta2 = 0;
  float rest2 = 0;       ///< 1 - beta2
  float minus_step = 0;  ///< -(lr / (1 - beta1^t))
  float root = 1;        ///< sqrt(1 - beta2^t)
  float eps = 0;
};

/// beta^t by repeated multiplication in fp64, and t. Lies in the Place's memory, starts as {} (adam_start).
struct AdamClock {
  double power1 = 1, power2 = 1;
  std::int64_t step = 0;
};

/// *clock = {}.
Status adam_start(AdamClock* clock, const Place& place);
/// For step t from doubles of the caller's own (beta1^t, beta2^t); host memory.
AdamScalars adam_scalars(const AdamOptions& options, double power1, double power2);
/// clock: one step on; *scalars: those of the new step. Both in the Place's memory.
Status adam_tick(AdamClock* clock, const AdamOptions& options, AdamScalars* scalars, const Place& place);

/// One parameter with its state; sizes equal. Either all of f32 (the gradient f32 or bf16; `copy` may be
/// bf16: the rounded parameter is stored there, too), or parameter, gradient and state of bf16, every
/// operation then rounded to bf16.
struct AdamTensor {
  View parameter, gradient, average, square;
  const View* largest = nullptr;  ///< amsgrad's
  const View* copy = nullptr;
  const float* step = nullptr;  ///< for adam_step_at: the number of the step, in the Place's memory
};

/// `gradient_scale` (Place's memory, or null): each gradient is fp32(g * *gradient_scale) first; the
/// gradients themselves stay.
Status adam_step(const AdamTensor* tensors, int count, const AdamOptions& options, const AdamScalars* scalars,
                 const float* gradient_scale, const Place& place);
/// The same with the scalars of each tensor's own step, which nobody waits for. `clock` (Place's memory, or
/// null: as {}): some step and its powers, from which later ones are counted on, earlier ones from 0; set to
/// that of one of the tensors. Whatever it says, the bits are the same.
Status adam_step_at(const AdamTensor* tensors, int count, const AdamOptions& options, AdamClock* clock,
                    const Place& place);

struct SgdOptions {
  double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
  bool maximize = false;
  bool first = false;  ///< the momentum buffer is not set yet: it becomes the gradient
};

struct SgdTensor {
  View parameter, gradient;
  const View* momentum = nullptr;  ///< when options.momentum is not 0
  const View* copy = nullptr;
};

Status sgd_step(const SgdTensor* tensors, int count, const SgdOptions& options, const float* gradient_scale,
                const Place& place);

}  // namespace assay::kernels
