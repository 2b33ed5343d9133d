// The steps of CTC for host and device. A line is one batch element; its positions are the labels with blanks
// around them.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"
#include "kernels/reduce/elementary.hpp"

namespace assay::kernels {

struct CtcJob {
  const float* log_probs;
  std::int64_t time_stride, batch_stride, class_stride, steps, batch, classes;
  const std::int64_t* targets;
  std::int64_t targets_stride, targets_count;
  const std::int64_t* first;
  const std::int64_t* input_lengths;
  const std::int64_t* target_lengths;
  std::int64_t first_stride, input_stride, target_stride;
  std::int64_t blank, width;  ///< width: positions of the longest target
  float* loss;
  std::int64_t loss_stride;
  float* alphas;
  std::int64_t alpha_stride[3];
  // The gradient alone.
  float* betas = nullptr;  ///< (batch, steps, width), contiguous
  const float* gradient_loss = nullptr;
  std::int64_t gradient_loss_stride = 0;
  float* gradient = nullptr;
  std::int64_t gradient_stride[3] = {};
  bool zero_infinity = false;

  ASSAY_HD_MEMBER std::int64_t length(std::int64_t n) const { return input_lengths[n * input_stride]; }
  ASSAY_HD_MEMBER std::int64_t labels(std::int64_t n) const { return target_lengths[n * target_stride]; }
  ASSAY_HD_MEMBER std::int64_t label(std::int64_t n, std::int64_t s) const {
    return s % 2 == 0 ? blank : targets[(first[n * first_stride] + s / 2) * targets_stride];
  }
  ASSAY_HD_MEMBER float log_prob(std::int64_t t, std::int64_t n, std::int64_t c) const {
    return log_probs[t * time_stride + n * batch_stride + c * class_stride];
  }
  ASSAY_HD_MEMBER float& alpha(std::int64_t n, std::int64_t t, std::int64_t s) const {
    return alphas[n * alpha_stride[0] + t * alpha_stride[1] + s * alpha_stride[2]];
  }
  ASSAY_HD_MEMBER float& beta(std::int64_t n, std::int64_t t, std::int64_t s) const {
    return betas[(n * steps + t) * width + s];
  }
  /// Lengths and labels of line n lie in their ranges.
  ASSAY_HD_MEMBER bool fits(std::int64_t n) const {
    const std::int64_t at = first[n * first_stride], count = labels(n);
    if (length(n) < 0 || length(n) > steps || count < 0 || 2 * count + 1 > width || at < 0 ||
        at + count > targets_count)
      return false;
    for (std::int64_t s = 0; s < count; ++s)
      if (targets[(at + s) * targets_stride] < 0 || targets[(at + s) * targets_stride] >= classes)
        return false;
    return true;
  }
};

/// log(e^a + e^b + e^c), from a on.
ASSAY_HD float log_add(float a, float b, float c) {
  float most = math::larger(math::larger(a, b), c);
  if (most == -math::infinity()) most = 0.0F;
  return logarithm(exponential(a - most) + exponential(b - most) + exponential(c - most)) + most;
}
ASSAY_HD float log_add(float a, float b) {
  float most = math::larger(a, b);
  if (most == -math::infinity()) most = 0.0F;
  return logarithm(exponential(a - most) + exponential(b - most)) + most;
}

/// a[t][s] from step t - 1 (which is there, unless t is 0).
ASSAY_HD float ctc_alpha(const CtcJob& job, std::int64_t n, std::int64_t t, std::int64_t s) {
  const float none = -math::infinity();
  const std::int64_t positions = 2 * job.labels(n) + 1;
  if (t >= job.length(n) || s >= positions) return none;
  const std::int64_t label = job.label(n, s);
  if (t == 0) return s < 2 ? job.log_prob(0, n, label) : none;
  const float stay = job.alpha(n, t - 1, s), next = s > 0 ? job.alpha(n, t - 1, s - 1) : none;
  const float skip = s > 1 && label != job.label(n, s - 2) ? job.alpha(n, t - 1, s - 2) : none;
  return log_add(stay, next, skip) + job.log_prob(t, n, label);
}

/// b[t][s] from step t + 1.
ASSAY_HD float ctc_beta(const CtcJob& job, std::int64_t n, std::int64_t t, std::int64_t s) {
  const float none = -math::infinity();
  const std::int64_t positions = 2 * job.labels(n) + 1;
  if (t >= job.length(n) || s >= positions) return none;
  const std::int64_t label = job.label(n, s);
  if (t + 1 == job.length(n)) return s + 2 >= positions ? job.log_prob(t, n, label) : none;
  const float stay = job.beta(n, t + 1, s), next = s + 1 < positions ? job.beta(n, t + 1, s + 1) : none;
  const float skip = s + 2 < positions && label != job.label(n, s + 2) ? job.beta(n, t + 1, s + 2) : none;
  return log_add(stay, next, skip) + job.log_prob(t, n, label);
}

ASSAY_HD float ctc_line_loss(const CtcJob& job, std::int64_t n) {
  const std::int64_t steps = job.length(n), labels = job.labels(n);
  if (steps == 0) return labels == 0 ? 0.0F : math::infinity();
  const float last = job.alpha(n, steps - 1, 2 * labels);
  if (labels == 0) return math::canonical(math::negate(log_add(last, -math::infinity())));
  return math::canonical(math::negate(log_add(last, job.alpha(n, steps - 1, 2 * labels - 1))));
}

/// Whether line n has no gradient at all at step t.
ASSAY_HD bool ctc_silent(const CtcJob& job, std::int64_t n, std::int64_t t) {
  return t >= job.length(n) || (job.zero_infinity && job.loss[n * job.loss_stride] == math::infinity());
}

ASSAY_HD void ctc_store(const CtcJob& job, std::int64_t t, std::int64_t n, std::int64_t c, float v) {
  job.gradient[t * job.gradient_stride[0] + n * job.gradient_stride[1] + c * job.gradient_stride[2]] =
      math::canonical(v);
}

/// The gradient of a class that no position of the line has.
ASSAY_HD void ctc_plain(const CtcJob& job, std::int64_t t, std::int64_t n, std::int64_t c) {
  const float g = job.gradient_loss[n * job.gradient_loss_stride];
  ctc_store(job, t, n, c, ctc_silent(job, n, t) ? 0.0F : exponential(job.log_prob(t, n, c)) * g);
}

/// The gradient of the class of position s, when s is its first: all its positions, ascending.
ASSAY_HD void ctc_gather(const CtcJob& job, std::int64_t t, std::int64_t n, std::int64_t s) {
  const std::int64_t positions = 2 * job.labels(n) + 1;
  if (s >= positions || ctc_silent(job, n, t)) return;
  const std::int64_t label = job.label(n, s);
  for (std::int64_t before = 0; before < s; ++before)
    if (job.label(n, before) == label) return;
  float most = -math::infinity();
  for (std::int64_t k = s; k < positions; ++k)
    if (job.label(n, k) == label) most = math::larger(most, job.alpha(n, t, k) + job.beta(n, t, k));
  if (most == -math::infinity()) most = 0.0F;
  float sum = 0.0F;
  for (std::int64_t k = s; k < positions; ++k)
    if (job.label(n, k) == label) {
      const float e = exponential((job.alpha(n, t, k) + job.beta(n, t, k)) - most);
      sum = k == s ? e : sum + e;
    }
  const float joined = logarithm(sum) + most, p = job.log_prob(t, n, label);
  const float g = job.gradient_loss[n * job.gradient_loss_stride];
  ctc_store(job, t, n, label,
            (exponential(p) - exponential((joined + job.loss[n * job.loss_stride]) - p)) * g);
}

#if defined(ASSAY_HAS_CUDA)
Status ctc_alphas_cuda(const CtcJob& job, const Place& place);
Status ctc_gradient_cuda(const CtcJob& job, const Place& place);
#endif

}  // namespace assay::kernels
