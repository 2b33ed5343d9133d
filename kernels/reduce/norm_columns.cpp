#include "kernels/reduce/norm_columns.hpp"

#include <algorithm>

#include "kernels/index/copies.hpp"
#include "kernels/reduce/job.hpp"
#include "kernels/reduce/norm.hpp"
#include "kernels/reduce/reduce.hpp"

namespace assay::kernels {

namespace {

bool is_number(const View& view) { return view.type == Type::f32 || view.type == Type::bf16; }

bool is_packed(const View& view, std::int64_t n) {
  return view.rank == 1 && view.size[0] == n && (n <= 1 || view.stride[0] == 1);
}

/// `view` itself when neighbours in a row are neighbours in memory, else a copy.
Status with_packed_rows(View& view, const Place& place) {
  if (view.size[1] <= 1 || view.stride[1] == 1 || view.count() == 0) return Status::ok;
  View copy = view;
  copy.stride[0] = view.size[1], copy.stride[1] = 1;
  copy.data = place.workspace->take(static_cast<std::size_t>(view.count() * size_of(view.type)));
  if (!copy.data) return Status::out_of_memory;
  const Status status = copy_exact(view, copy, place);
  view = copy;
  return status;
}

Status run_cpu(NormColumnsJob& job, const Place& place) {
  const std::int64_t tiles = (job.columns + kTile - 1) / kTile;
  job.chunk = std::max<std::int64_t>(job.rows, 1);
  if (tiles < 32 && job.rows > 8 * kBlock) {
    job.chunk = 8 * kBlock;
    job.chunks = (job.rows + job.chunk - 1) / job.chunk;
    job.partials = static_cast<float*>(
        place.workspace->take(static_cast<std::size_t>(job.columns * job.chunks) * sizeof(float)));
    if (!job.partials) return Status::out_of_memory;
  }
  place.threads->each(tiles * job.chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    ASSAY_CALL(norm_columns, job, begin, end);
  });
  if (job.chunks > 1)
    place.threads->each(job.columns, 256, [&](std::int64_t begin, std::int64_t end) {
      ASSAY_CALL(norm_columns_join, job, begin, end);
    });
  return Status::ok;
}

Status weight_gradient(View grad, View in, const View* mean, const View& rstd, const View& out,
                       const Place& place) {
  NormColumnsJob job;
  job.rows = in.size[0];
  job.columns = in.size[1];
  if (!is_packed(out, job.columns) || !is_packed(rstd, job.rows) || (mean && !is_packed(*mean, job.rows)))
    return Status::bad_shape;
  if (!is_number(rstd) || !is_number(out) || (mean && mean->type != rstd.type)) return Status::bad_type;
  Status status = with_packed_rows(grad, place);
  if (status == Status::ok) status = with_packed_rows(in, place);
  if (status != Status::ok) return status;
  job.grad = grad.data, job.grad_type = grad.type, job.grad_step = grad.stride[0];
  job.in = in.data, job.in_type = in.type, job.in_step = in.stride[0];
  job.mean = mean ? mean->data : nullptr;
  job.rstd = rstd.data;
  job.saved_type = rstd.type;
  job.out = out.data;
  job.out_type = out.type;
  if (job.columns == 0) return Status::ok;
  return place.cuda ? cuda::norm_columns(job, place) : run_cpu(job, place);
}

}  // namespace

Status norm_backward_columns(const View& grad, const View& in, const View* mean, const View& rstd,
                             const View* grad_weight, const View* grad_bias, const Place& place) {
  if (grad.rank != 2 || in.rank != 2 || grad.size[0] != in.size[0] || grad.size[1] != in.size[1])
    return Status::bad_shape;
  if (!is_number(grad) || !is_number(in)) return Status::bad_type;
  if (grad_weight)
    if (const Status status = weight_gradient(grad, in, mean, rstd, *grad_weight, place);
        status != Status::ok)
      return status;
  return grad_bias ? reduce(Reduction::sum, grad, 1, *grad_bias, nullptr, 0, place) : Status::ok;
}

}  // namespace assay::kernels
