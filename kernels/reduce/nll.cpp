#include "kernels/reduce/nll.hpp"

#include "kernels/reduce/loss.hpp"
#include "kernels/reduce/reduce.hpp"

namespace assay::kernels {

namespace {

bool is_number(const View& view) { return view.type == Type::f32 || view.type == Type::bf16; }

Status fill(NllJob& job, const View& target, const View* class_weight, std::int64_t ignored,
            std::int64_t rows, std::int64_t classes) {
  if (target.type != Type::i64 || (class_weight && class_weight->type != Type::f32)) return Status::bad_type;
  if (target.rank != 1 || target.size[0] != rows) return Status::bad_shape;
  if (class_weight && (class_weight->rank != 1 || class_weight->size[0] != classes ||
                       (classes > 1 && class_weight->stride[0] != 1)))
    return Status::bad_shape;
  job.target = target.as<const std::int64_t>();
  job.target_step = target.stride[0];
  job.rows = rows;
  job.classes = classes;
  job.class_weight = class_weight ? class_weight->as<const float>() : nullptr;
  job.ignored = ignored;
  return Status::ok;
}

Status run_rows(const NllJob& job, const Place& place) {
  if (job.rows == 0) return Status::ok;
  if (place.cuda) return cuda::nll_rows(job, place);
  for (std::int64_t i = 0; i < job.rows; ++i) {
    const std::int64_t target = job.target[i * job.target_step];
    if (target != job.ignored && (target < 0 || target >= job.classes)) return Status::bad_index;
    nll_row(job, i);
  }
  return Status::ok;
}

View packed(float* data, std::int64_t count) {
  View view;
  view.data = data;
  view.rank = 1;
  view.size[0] = count;
  view.stride[0] = 1;
  return view;
}

View scalar(float* data) {
  View view;
  view.data = data;
  return view;
}

Status store_loss(const float* value, const float* total, const View& out, const Place& place) {
  if (place.cuda) return cuda::store_loss(value, total, out, place);
  store_number(out.data, out.type, 0, total ? divided(*value, *total) : *value);
  return Status::ok;
}

/// Whether a kernel of its own sums such losses and their weights.
bool finishes_at_once(const View& losses, const Place& place) {
  return place.cuda && losses.size[0] <= cuda::kFinishRows && losses.type == Type::f32 &&
         (losses.stride[0] == 1 || losses.size[0] <= 1);
}

/// Sums of losses and weights to `out` and `total_weight`. `sums`: two floats of the workspace.
Status finish(const View& losses, const View& weights, LossReduction reduction, float* sums, const View& out,
              const View& total_weight, const Place& place) {
  const bool mean = reduction == LossReduction::mean;
  if (const Status s = reduce(Reduction::sum, losses, 1, scalar(sums), nullptr, 0, place); s != Status::ok)
    return s;
  if (const Status s = reduce(Reduction::sum, weights, 1, scalar(sums + 1), nullptr, 0, place);
      s != Status::ok)
    return s;
  if (const Status s = store_loss(sums + 1, nullptr, total_weight, place); s != Status::ok) return s;
  return store_loss(sums, mean ? sums + 1 : nullptr, out, place);
}

float* floats(const Place& place, std::int64_t count) {
  return static_cast<float*>(place.workspace->take(static_cast<std::size_t>(count + 1) * sizeof(float)));
}

Status check_scalars(const View& out, const View& total_weight) {
  if (out.count() != 1 || total_weight.count() != 1) return Status::bad_shape;
  return is_number(out) && is_number(total_weight) ? Status::ok : Status::bad_type;
}

}  // namespace

Status finish_loss(const View& losses, const View& target, const View* class_weight, std::int64_t classes,
                   LossReduction reduction, std::int64_t ignored, const View& out, const View& total_weight,
                   const Place& place) {
  if (reduction == LossReduction::none || losses.rank != 1) return Status::bad_shape;
  if (const Status status = check_scalars(out, total_weight); status != Status::ok) return status;
  NllJob job;
  if (const Status s = fill(job, target, class_weight, ignored, losses.size[0], classes); s != Status::ok)
    return s;
  if (finishes_at_once(losses, place)) {
    float* const partials = floats(place, cuda::kFinishFloats);
    if (!partials) return Status::out_of_memory;
    return cuda::finish_sums(job, losses.as<float>(), reduction == LossReduction::mean, out, total_weight,
                             partials, place);
  }
  job.weight = floats(place, job.rows);
  float* sums = floats(place, 2);
  if (!job.weight || !sums) return Status::out_of_memory;
  if (const Status status = run_rows(job, place); status != Status::ok) return status;
  return finish(losses, packed(job.weight, job.rows), reduction, sums, out, total_weight, place);
}

Status nll_loss(const View& in, const View& target, const View* class_weight, LossReduction reduction,
                std::int64_t ignored, const View& out, const View& total_weight, const Place& place) {
  if (in.rank != 2) return Status::bad_shape;
  if (!is_number(in) || !is_number(out) || !is_number(total_weight)) return Status::bad_type;
  NllJob job;
  if (const Status s = fill(job, target, class_weight, ignored, in.size[0], in.size[1]); s != Status::ok)
    return s;
  job.in = in;
  job.loss = floats(place, job.rows);
  float* sums = floats(place, 2);
  if (!job.loss || !sums) return Status::out_of_memory;
  const View losses = packed(job.loss, job.rows);
  if (reduction != LossReduction::none) {
    if (const Status status = check_scalars(out, total_weight); status != Status::ok) return status;
    if (finishes_at_once(losses, place)) {
      float* const partials = floats(place, cuda::kFinishFloats);
      if (!partials) return Status::out_of_memory;
      if (const Status status = run_rows(job, place); status != Status::ok) return status;
      return cuda::finish_sums(job, job.loss, reduction == LossReduction::mean, out, total_weight, partials,
                               place);
    }
    job.weight = floats(place, job.rows);
    if (!job.weight) return Status::out_of_memory;
  }
  if (const Status status = run_rows(job, place); status != Status::ok) return status;
  if (reduction != LossReduction::none) {
    return finish(losses, packed(job.weight, job.rows), reduction, sums, out, total_weight, place);
  }
  View nothing = losses;
  nothing.size[0] = 0;
  if (const Status s = reduce(Reduction::sum, nothing, 1, scalar(sums), nullptr, 0, place); s != Status::ok)
    return s;
  if (const Status s = store_loss(sums, nullptr, total_weight, place); s != Status::ok) return s;
  return reduce(Reduction::sum, losses, 0, out, nullptr, 0, place);
}

Status nll_loss_backward(const View& grad, const View& target, const View* class_weight,
                         LossReduction reduction, std::int64_t ignored, const View& total_weight,
                         const View& out, const Place& place) {
  if (out.rank != 2) return Status::bad_shape;
  if (!is_number(grad) || !is_number(out) || total_weight.type != Type::f32) return Status::bad_type;
  NllJob job;
  if (const Status s = fill(job, target, class_weight, ignored, out.size[0], out.size[1]); s != Status::ok)
    return s;
  const bool rows = reduction == LossReduction::none;
  if (rows ? grad.rank != 1 || grad.size[0] != job.rows : grad.count() != 1) return Status::bad_shape;
  job.grad = grad;
  if (!rows) job.grad.rank = 0;
  job.out = out;
  job.total_weight = reduction == LossReduction::mean ? total_weight.as<const float>() : nullptr;
  if (out.count() == 0) return Status::ok;
  if (place.cuda) return cuda::nll_backward(job, place);
  place.threads->each(job.rows, 1 + 32768 / job.classes, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t c = 0; c < job.classes; ++c) nll_backward_element(job, i, c);
  });
  return Status::ok;
}

}  // namespace assay::kernels
