#include "kernels/reduce/ctc.hpp"

#include <atomic>

#include "kernels/index/each.hpp"
#include "kernels/reduce/ctc_job.hpp"

namespace assay::kernels {

namespace {

bool is_list(const View& v, std::int64_t n) { return v.type == Type::i64 && v.rank == 1 && v.size[0] == n; }

Status build(const Ctc& ctc, const View& loss, const View& alphas, CtcJob& job) {
  const View& p = ctc.log_probs;
  if (p.type != Type::f32 || loss.type != Type::f32 || alphas.type != Type::f32 ||
      ctc.targets.type != Type::i64)
    return Status::bad_type;
  if (p.rank != 3 || loss.rank != 1 || alphas.rank != 3 || ctc.targets.rank != 1) return Status::bad_shape;
  const std::int64_t batch = p.size[1];
  if (!is_list(ctc.first, batch) || !is_list(ctc.input_lengths, batch) ||
      !is_list(ctc.target_lengths, batch) || loss.size[0] != batch || alphas.size[0] != batch ||
      alphas.size[1] != p.size[0] || alphas.size[2] < 1 || ctc.blank < 0 || ctc.blank >= p.size[2])
    return Status::bad_shape;
  job.log_probs = p.as<const float>();
  job.time_stride = p.stride[0], job.batch_stride = p.stride[1], job.class_stride = p.stride[2];
  job.steps = p.size[0], job.batch = batch, job.classes = p.size[2];
  job.targets = ctc.targets.as<const std::int64_t>();
  job.targets_stride = ctc.targets.stride[0], job.targets_count = ctc.targets.size[0];
  job.first = ctc.first.as<const std::int64_t>(), job.first_stride = ctc.first.stride[0];
  job.input_lengths = ctc.input_lengths.as<const std::int64_t>();
  job.input_stride = ctc.input_lengths.stride[0];
  job.target_lengths = ctc.target_lengths.as<const std::int64_t>();
  job.target_stride = ctc.target_lengths.stride[0];
  job.blank = ctc.blank, job.width = alphas.size[2];
  job.loss = loss.as<float>(), job.loss_stride = loss.stride[0];
  job.alphas = alphas.as<float>();
  for (int d = 0; d < 3; ++d) job.alpha_stride[d] = alphas.stride[d];
  return Status::ok;
}

// Lines are independent: one thread goes through all of one.
template <typename F>
Status each_line(const CtcJob& job, const Place& place, F&& f) {
  std::atomic<bool> outside{false};
  place.threads->each(job.batch, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      if (job.fits(n))
        f(n);
      else
        outside = true;
    }
  });
  return outside ? Status::bad_index : Status::ok;
}

void alphas_of(const CtcJob& job, std::int64_t n) {
  for (std::int64_t t = 0; t < job.steps; ++t)
    for (std::int64_t s = 0; s < job.width; ++s)
      job.alpha(n, t, s) = math::canonical(ctc_alpha(job, n, t, s));
  job.loss[n * job.loss_stride] = ctc_line_loss(job, n);
}

void gradient_of(const CtcJob& job, std::int64_t n) {
  for (std::int64_t t = job.steps; t-- > 0;)
    for (std::int64_t s = 0; s < job.width; ++s) job.beta(n, t, s) = ctc_beta(job, n, t, s);
  for (std::int64_t t = 0; t < job.steps; ++t) {
    for (std::int64_t c = 0; c < job.classes; ++c) ctc_plain(job, t, n, c);
    for (std::int64_t s = 0; s < job.width; ++s) ctc_gather(job, t, n, s);
  }
}

}  // namespace

Status ctc_loss(const Ctc& ctc, const View& loss, const View& alphas, const Place& place) {
  CtcJob job;
  const Status status = build(ctc, loss, alphas, job);
  if (status != Status::ok || job.batch == 0) return status;
  if (!place.cuda) return each_line(job, place, [&](std::int64_t n) { alphas_of(job, n); });
#if defined(ASSAY_HAS_CUDA)
  return ctc_alphas_cuda(job, place);
#else
  return Status::no_cuda;
#endif
}

Status ctc_loss_gradient(const Ctc& ctc, const View& gradient_loss, const View& loss, const View& alphas,
                         bool zero_infinity, const View& gradient, const Place& place) {
  CtcJob job;
  const Status status = build(ctc, loss, alphas, job);
  if (status != Status::ok) return status;
  if (gradient_loss.type != Type::f32 || gradient.type != Type::f32) return Status::bad_type;
  if (gradient_loss.rank != 1 || gradient_loss.size[0] != job.batch || gradient.rank != 3)
    return Status::bad_shape;
  for (int d = 0; d < 3; ++d) {
    if (gradient.size[d] != ctc.log_probs.size[d]) return Status::bad_shape;
    job.gradient_stride[d] = gradient.stride[d];
  }
  job.gradient = gradient.as<float>();
  job.gradient_loss = gradient_loss.as<const float>(), job.gradient_loss_stride = gradient_loss.stride[0];
  job.zero_infinity = zero_infinity;
  if (gradient.count() == 0) return Status::ok;
  job.betas = take_array<float>(place, job.batch * job.steps * job.width);
  if (!job.betas) return Status::out_of_memory;
  if (!place.cuda) return each_line(job, place, [&](std::int64_t n) { gradient_of(job, n); });
#if defined(ASSAY_HAS_CUDA)
  return ctc_gradient_cuda(job, place);
#else
  return Status::no_cuda;
#endif
}

}  // namespace assay::kernels
