#include "kernels/reduce/fused.hpp"

#include <algorithm>

#include "kernels/reduce/loss.hpp"
#include "kernels/reduce/norm.hpp"
#include "kernels/reduce/softmax.hpp"

namespace assay::kernels {

namespace {

bool is_number(const View& view) { return view.type == Type::f32 || view.type == Type::bf16; }

/// A packed vector of `n` numbers.
bool is_vector(const View* view, std::int64_t n) {
  return !view || (view->rank == 1 && view->size[0] == n && (view->stride[0] == 1 || n <= 1));
}

/// The job of a kind with its row tensors; shapes are checked, types too.
Status begin_job(FusedJob& job, Fused kind, const View& x, const View* y, const View* out, int dim) {
  if (!is_number(x) || (y && !is_number(*y)) || (out && !is_number(*out))) return Status::bad_type;
  const View* views[] = {&x, y, out};
  if (const Status status = make_rows(views, 3, dim, job.rows); status != Status::ok) return status;
  job.kind = kind;
  job.x = x.data;
  job.x_type = x.type;
  job.divisor = static_cast<float>(job.rows.n);
  if (y) job.y = y->data, job.y_type = y->type;
  if (out) job.out = out->data, job.out_type = out->type;
  return Status::ok;
}

Status add_columns(FusedJob& job, const View* weight, const View* bias) {
  if (!is_vector(weight, job.rows.n) || !is_vector(bias, job.rows.n)) return Status::bad_shape;
  if ((weight && !is_number(*weight)) || (bias && !is_number(*bias))) return Status::bad_type;
  if (weight) job.weight = weight->data, job.weight_type = weight->type;
  if (bias) job.bias = bias->data, job.bias_type = bias->type;
  return Status::ok;
}

Status add_saved(FusedJob& job, const View* first, const View* second) {
  for (const View* view : {first, second}) {
    if (!view) continue;
    if (!is_vector(view, job.rows.count)) return Status::bad_shape;
    if (!is_number(*view)) return Status::bad_type;
    job.saved_type = view->type;
  }
  if (first && second && first->type != second->type) return Status::bad_type;
  job.first = first ? first->data : nullptr;
  job.second = second ? second->data : nullptr;
  return Status::ok;
}

Status add_targets(FusedJob& job, const View& target, const View* class_weight, std::int64_t ignored) {
  if (target.type != Type::i64 || (class_weight && class_weight->type != Type::f32)) return Status::bad_type;
  if (target.rank != 1 || target.size[0] != job.rows.count || !is_vector(class_weight, job.rows.n))
    return Status::bad_shape;
  job.target = target.as<const std::int64_t>();
  job.target_step = target.stride[0];
  job.class_weight = class_weight ? class_weight->as<const float>() : nullptr;
  job.ignored = ignored;
  return Status::ok;
}

Status check_targets(const FusedJob& job) {
  for (std::int64_t i = 0; i < job.rows.count; ++i) {
    const std::int64_t target = job.target[i * job.target_step];
    if (target != job.ignored && (target < 0 || target >= job.rows.n)) return Status::bad_index;
  }
  return Status::ok;
}

#define ASSAY_TRY(call) \
  if (const Status status = call; status != Status::ok) return status

}  // namespace

Status run_fused(const FusedJob& job, const Place& place) {
  if (job.rows.count == 0) return Status::ok;
  if (place.cuda) return cuda::run_fused(job, place);
  if (job.target) ASSAY_TRY(check_targets(job));
  const std::int64_t grain = std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(job.rows.n, 1));
  place.threads->each(job.rows.count, grain,
                      [&](std::int64_t begin, std::int64_t end) { ASSAY_CALL(fused_rows, job, begin, end); });
  return Status::ok;
}

Status softmax_job(FusedJob& job, const View& in, int dim, const View& out, bool log) {
  return begin_job(job, log ? Fused::log_softmax : Fused::softmax, in, nullptr, &out, dim);
}

Status softmax_backward_job(FusedJob& job, const View& grad, const View& result, int dim, const View& out,
                            bool log) {
  return begin_job(job, log ? Fused::log_softmax_backward : Fused::softmax_backward, grad, &result, &out,
                   dim);
}

Status norm_job(FusedJob& job, bool centred, const View& in, const View* weight, const View* bias,
                double epsilon, const View& out, const View* mean, const View* rstd) {
  if (in.rank != 2) return Status::bad_shape;
  ASSAY_TRY(begin_job(job, centred ? Fused::layer_norm : Fused::rms_norm, in, nullptr, &out, 1));
  ASSAY_TRY(add_columns(job, weight, bias));
  job.epsilon = static_cast<float>(epsilon);
  return add_saved(job, mean, rstd);
}

Status norm_backward_job(FusedJob& job, bool centred, const View& grad, const View& in, const View* mean,
                         const View& rstd, const View* weight, const View& out) {
  if (in.rank != 2 || centred != (mean != nullptr)) return Status::bad_shape;
  ASSAY_TRY(
      begin_job(job, centred ? Fused::layer_norm_backward : Fused::rms_norm_backward, grad, &in, &out, 1));
  ASSAY_TRY(add_columns(job, weight, nullptr));
  return add_saved(job, mean, &rstd);
}

Status cross_entropy_job(FusedJob& job, const View& logits, const View& target, const View* class_weight,
                         std::int64_t ignored, const View& loss, const View& largest, const View& log_sum) {
  if (logits.rank != 2) return Status::bad_shape;
  ASSAY_TRY(begin_job(job, Fused::cross_entropy, logits, nullptr, nullptr, 1));
  ASSAY_TRY(add_targets(job, target, class_weight, ignored));
  ASSAY_TRY(add_saved(job, &largest, &log_sum));
  if (!is_vector(&loss, job.rows.count)) return Status::bad_shape;
  if (loss.type != Type::f32 || job.saved_type != Type::f32) return Status::bad_type;
  job.loss = loss.as<float>();
  return Status::ok;
}

Status cross_entropy_backward_job(FusedJob& job, const View& logits, const View& target,
                                  const View* class_weight, std::int64_t ignored, const View& largest,
                                  const View& log_sum, const View& scale, const View& out) {
  if (logits.rank != 2) return Status::bad_shape;
  ASSAY_TRY(begin_job(job, Fused::cross_entropy_backward, logits, nullptr, &out, 1));
  ASSAY_TRY(add_targets(job, target, class_weight, ignored));
  ASSAY_TRY(add_saved(job, &largest, &log_sum));
  if (job.saved_type != Type::f32 || scale.type != Type::f32) return Status::bad_type;
  if (scale.rank > 1 || (scale.rank == 1 && scale.size[0] != job.rows.count)) return Status::bad_shape;
  job.scale = scale.as<const float>();
  job.scale_step = scale.rank == 1 ? scale.stride[0] : 0;
  return Status::ok;
}

Status softmax(const View& in, int dim, const View& out, bool log, const Place& place) {
  FusedJob job;
  ASSAY_TRY(softmax_job(job, in, dim, out, log));
  return run_fused(job, place);
}

Status softmax_backward(const View& grad, const View& result, int dim, const View& out, bool log,
                        const Place& place) {
  FusedJob job;
  ASSAY_TRY(softmax_backward_job(job, grad, result, dim, out, log));
  return run_fused(job, place);
}

Status layer_norm(const View& in, const View* weight, const View* bias, double epsilon, const View& out,
                  const View* mean, const View* rstd, const Place& place) {
  FusedJob job;
  ASSAY_TRY(norm_job(job, true, in, weight, bias, epsilon, out, mean, rstd));
  return run_fused(job, place);
}

Status rms_norm(const View& in, const View* weight, double epsilon, const View& out, const View* rstd,
                const Place& place) {
  FusedJob job;
  ASSAY_TRY(norm_job(job, false, in, weight, nullptr, epsilon, out, nullptr, rstd));
  return run_fused(job, place);
}

Status norm_backward_input(const View& grad, const View& in, const View* mean, const View& rstd,
                           const View* weight, const View& out, const Place& place) {
  FusedJob job;
  ASSAY_TRY(norm_backward_job(job, mean != nullptr, grad, in, mean, rstd, weight, out));
  return run_fused(job, place);
}

Status cross_entropy(const View& logits, const View& target, const View* class_weight, std::int64_t ignored,
                     const View& loss, const View& largest, const View& log_sum, const Place& place,
                     bool rounds) {
  FusedJob job;
  ASSAY_TRY(cross_entropy_job(job, logits, target, class_weight, ignored, loss, largest, log_sum));
  job.rounds = rounds;
  return run_fused(job, place);
}

Status cross_entropy_backward(const View& logits, const View& target, const View* class_weight,
                              std::int64_t ignored, const View& largest, const View& log_sum,
                              const View& scale, const View& out, const Place& place) {
  FusedJob job;
  ASSAY_TRY(
      cross_entropy_backward_job(job, logits, target, class_weight, ignored, largest, log_sum, scale, out));
  return run_fused(job, place);
}

}  // namespace assay::kernels
