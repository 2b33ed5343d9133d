// The step's numbers, in fp64, for host and device (division and root are IEEE's on both).
#pragma once

#include "kernels/core/hd.hpp"
#include "kernels/optim/optim.hpp"

namespace assay::kernels {

ASSAY_HD AdamScalars scalars_of(const AdamOptions& o, double power1, double power2) {
  AdamScalars s;
  const double decayed = o.lr * o.weight_decay;
  const double correction1 = 1 - power1, correction2 = 1 - power2;
  const double step = o.lr / correction1;
#if defined(__CUDA_ARCH__)
  const double root = __dsqrt_rn(correction2);
#else
  const double root = __builtin_sqrt(correction2);
#endif
  s.decay = static_cast<float>(1 - decayed);
  s.weight_decay = static_cast<float>(o.weight_decay);
  s.lerp_weight = static_cast<float>(1 - o.beta1);
  s.beta2 = static_cast<float>(o.beta2);
  s.rest2 = static_cast<float>(1 - o.beta2);
  s.minus_step = static_cast<float>(-step);
  s.root = static_cast<float>(root);
  s.eps = static_cast<float>(o.eps);
  return s;
}

ASSAY_HD void advance(AdamClock& clock, const AdamOptions& options) {
  clock.power1 = clock.power1 * options.beta1;
  clock.power2 = clock.power2 * options.beta2;
  ++clock.step;
}

ASSAY_HD void tick(AdamClock& clock, const AdamOptions& options, AdamScalars& scalars) {
  advance(clock, options);
  scalars = scalars_of(options, clock.power1, clock.power2);
}

/// The same for a step of any number, to which `clock` is set: counted on where it is before it, else from 0.
ASSAY_HD AdamScalars scalars_at(const AdamOptions& options, AdamClock& clock, float number) {
  const double step = number;
  if (!(static_cast<double>(clock.step) <= step)) clock = AdamClock{};
  while (static_cast<double>(clock.step) < step) advance(clock, options);
  return scalars_of(options, clock.power1, clock.power2);
}

}  // namespace assay::kernels
