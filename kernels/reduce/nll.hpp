// The elementwise parts of nll_loss, for host and device.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"
#include "kernels/reduce/rules.hpp"
#include "kernels/reduce/terms.hpp"

namespace assay::kernels {

struct NllJob {
  View in;   ///< [M, C]: log-probabilities; backward: not used
  View out;  ///< backward: [M, C]
  const std::int64_t* target = nullptr;
  std::int64_t target_step = 1;
  std::int64_t rows = 0;
  std::int64_t classes = 0;
  const float* class_weight = nullptr;
  std::int64_t ignored = -100;
  float* loss = nullptr;                ///< one a row; null: not wanted
  float* weight = nullptr;              ///< one a row; null: not wanted
  View grad;                            ///< scalar or [M]
  const float* total_weight = nullptr;  ///< divides the gradient; null: nothing does
};

/// What a row counts in the mean.
ASSAY_HD float nll_weight(const NllJob& job, std::int64_t target) {
  return target == job.ignored ? 0.0f : job.class_weight ? job.class_weight[target] : 1.0f;
}

ASSAY_HD void nll_row(const NllJob& job, std::int64_t i) {
  const std::int64_t target = job.target[i * job.target_step];
  const float w = nll_weight(job, target);
  if (job.weight) job.weight[i] = w;
  if (!job.loss) return;
  float loss = 0;
  if (target != job.ignored)
    loss = -(load_number(job.in.data, job.in.type, i * job.in.stride[0] + target * job.in.stride[1]) * w);
  job.loss[i] = canonical(loss);
}

/// The gradient of the row's target; those of other classes are 0.
ASSAY_HD float nll_target_gradient(const NllJob& job, std::int64_t i, std::int64_t target) {
  const float w = job.class_weight ? job.class_weight[target] : 1.0f;
  float g = load_number(job.grad.data, job.grad.type, job.grad.rank == 1 ? i * job.grad.stride[0] : 0);
  if (job.total_weight) g = divided(g, *job.total_weight);
  return -(w * g);
}

ASSAY_HD void nll_backward_element(const NllJob& job, std::int64_t i, std::int64_t c) {
  const std::int64_t target = job.target[i * job.target_step];
  const float value = target != job.ignored && target == c ? nll_target_gradient(job, i, target) : 0.0f;
  store_number(job.out.data, job.out.type, i * job.out.stride[0] + c * job.out.stride[1], value);
}

/// Row i of a gradient that is 0 so far.
ASSAY_HD void nll_backward_row(const NllJob& job, std::int64_t i) {
  const std::int64_t target = job.target[i * job.target_step];
  if (target == job.ignored || target < 0 || target >= job.classes) return;
  store_number(job.out.data, job.out.type, i * job.out.stride[0] + target * job.out.stride[1],
               nll_target_gradient(job, i, target));
}

namespace cuda {
#if defined(ASSAY_HAS_CUDA)
Status nll_rows(const NllJob& job, const Place& place);
Status nll_backward(const NllJob& job, const Place& place);
/// *out = *value (divided by *total when that is there).
Status store_loss(const float* value, const float* total, const View& out, const Place& place);
/// Both sums of up to kFinishRows rows at once: *total_weight, of the targets' weights, and *out, of `losses`,
/// for the mean divided by it. Traps on a target outside the classes. `partials`: room for kFinishFloats.
inline constexpr std::int64_t kFinishRows = 65536, kFinishFloats = 128;
Status finish_sums(const NllJob& job, const float* losses, bool mean, const View& out,
                   const View& total_weight, float* partials, const Place& place);
#else
inline constexpr std::int64_t kFinishRows = -1, kFinishFloats = 0;
inline Status finish_sums(const NllJob&, const float*, bool, const View&, const View&, float*,
                          const Place&) {
  return Status::no_cuda;
}
inline Status nll_rows(const NllJob&, const Place&) { return Status::no_cuda; }
inline Status nll_backward(const NllJob&, const Place&) { return Status::no_cuda; }
inline Status store_loss(const float*, const float*, const View&, const Place&) { return Status::no_cuda; }
#endif
}  // namespace cuda

}  // namespace assay::kernels
