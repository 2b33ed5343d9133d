#include "kernels/conv/conv.hpp"

#include <algorithm>

#include "kernels/conv/conv_variants.hpp"
#include "kernels/conv/volume.hpp"
#include "kernels/index/copies.hpp"
#include "kernels/index/each.hpp"
#include "kernels/index/layout.hpp"

namespace assay::kernels {

namespace {

// The sizes of x, weight and y fit each other; y may be smaller than x would give (a transposed convolution's
// output padding).
Status check(const View& x, const View& weight, const View& y, const ConvShape& shape) {
  if (!is_float(x.type) || weight.type != x.type || y.type != x.type) return Status::bad_type;
  const int rank = shape.spatial + 2;
  if (shape.spatial < 1 || shape.spatial > 3 || x.rank != rank || weight.rank != rank || y.rank != rank)
    return Status::bad_shape;
  if (shape.groups < 1 || x.size[0] != y.size[0] || x.size[1] != weight.size[1] * shape.groups ||
      y.size[1] != weight.size[0] || y.size[1] % shape.groups != 0)
    return Status::bad_shape;
  for (int d = 0; d < shape.spatial; ++d) {
    if (shape.stride[d] < 1 || shape.dilation[d] < 1 || shape.padding[d] < 0 || weight.size[2 + d] < 1)
      return Status::bad_shape;
    const std::int64_t room =
        x.size[2 + d] + 2 * shape.padding[d] - shape.dilation[d] * (weight.size[2 + d] - 1) - 1;
    if (y.size[2 + d] > (room < 0 ? 0 : room / shape.stride[d] + 1)) return Status::bad_shape;
  }
  return Status::ok;
}

Status check_bias(const View* bias, const View& out) {
  if (!bias) return Status::ok;
  if (bias->type != out.type) return Status::bad_type;
  return bias->rank == 1 && bias->size[0] == out.size[1] ? Status::ok : Status::bad_shape;
}

// The same elements with neighbours of the last dimension side by side: a copy where they are not.
Status packed(const View& view, View& out, const Place& place) {
  out = view;
  if (view.stride[view.rank - 1] == 1 || view.count() == 0) return Status::ok;
  std::int64_t step = 1;
  for (int d = view.rank - 1; d >= 0; --d) out.stride[d] = step, step *= view.size[d];
  out.data = take_array<char>(place, view.count() * size_of(view.type));
  return out.data ? copy_exact(view, out, place) : Status::out_of_memory;
}

void set_weight(ConvJob& job, const View& weight, const ConvShape& shape) {
  job.weight = weight.data;
  job.groups = shape.groups;
  job.weight_group = weight.size[0] / shape.groups * weight.stride[0];
  for (int d = 0; d < shape.spatial; ++d) {
    job.kernel[3 - shape.spatial + d] = weight.size[2 + d];
    job.weight_stride[3 - shape.spatial + d] = weight.stride[2 + d];
  }
}

Status run(ConvJob& job, const View& in, const View* bias, const View& out, int spatial, const Place& place) {
  job.out = volume_of(out, spatial);
  job.narrow = out.type == Type::bf16;
  job.bias = bias ? bias->data : nullptr;
  job.bias_stride = bias ? bias->stride[0] : 0;
  if (out.count() == 0) return Status::ok;
  if (place.cuda) {
    job.in = volume_of(in, spatial);
#if defined(ASSAY_HAS_CUDA)
    return convolve_cuda(job, place);
#else
    return Status::no_cuda;
#endif
  }
  View side_by_side;
  if (const Status status = packed(in, side_by_side, place); status != Status::ok) return status;
  job.in = volume_of(side_by_side, spatial);
  const std::int64_t lines = job.out.batch * job.out.channels * job.out.size[0] * job.out.size[1];
  const std::int64_t cost = job.out.size[2] * job.in_group * job.kernel[0] * job.kernel[1] * job.kernel[2];
  place.threads->each(lines, std::max<std::int64_t>(1, 32768 / std::max<std::int64_t>(1, cost)),
                      [&](std::int64_t begin, std::int64_t end) { ASSAY_CALL(conv_lines, job, begin, end); });
  return Status::ok;
}

Status run(WeightJob& job, const Place& place) {
  const std::int64_t blocks = (job.terms() + 1023) / 1024;
  job.partial = take_array<float>(place, std::max<std::int64_t>(1, job.sums() * blocks));
  if (!job.partial) return Status::out_of_memory;
  if (place.cuda) {
#if defined(ASSAY_HAS_CUDA)
    return weight_sums_cuda(job, place);
#else
    return Status::no_cuda;
#endif
  }
  place.threads->each(
      job.sums(), std::max<std::int64_t>(1, 32768 / std::max<std::int64_t>(1, job.terms())),
      [&](std::int64_t begin, std::int64_t end) { ASSAY_CALL(conv_weight_sums, job, begin, end); });
  return Status::ok;
}

}  // namespace

Status convolution(const View& x, const View& weight, const View* bias, const ConvShape& shape, const View& y,
                   const Place& place) {
  Status status = check(x, weight, y, shape);
  if (status == Status::ok) status = check_bias(bias, y);
  if (status != Status::ok) return status;
  ConvJob job;
  set_weight(job, weight, shape);
  job.in_group = weight.size[1], job.out_group = weight.size[0] / shape.groups;
  job.weight_out = weight.stride[0], job.weight_in = weight.stride[1];
  for (int d = 0; d < shape.spatial; ++d) {
    const int at = 3 - shape.spatial + d;
    job.multiply[at] = shape.stride[d], job.offset[at] = -shape.padding[d], job.step[at] = shape.dilation[d];
  }
  return run(job, x, bias, y, shape.spatial, place);
}

Status convolution_input_gradient(const View& gradient_y, const View& weight, const View* bias,
                                  const ConvShape& shape, const View& gradient_x, const Place& place) {
  Status status = check(gradient_x, weight, gradient_y, shape);
  if (status == Status::ok) status = check_bias(bias, gradient_x);
  if (status != Status::ok) return status;
  ConvJob job;
  set_weight(job, weight, shape);
  job.in_group = weight.size[0] / shape.groups, job.out_group = weight.size[1];
  job.weight_out = weight.stride[1], job.weight_in = weight.stride[0];
  for (int d = 0; d < shape.spatial; ++d) {
    const int at = 3 - shape.spatial + d;
    job.offset[at] = shape.padding[d], job.step[at] = -shape.dilation[d], job.divide[at] = shape.stride[d];
  }
  return run(job, gradient_y, bias, gradient_x, shape.spatial, place);
}

Status convolution_weight_gradient(const View& gradient_y, const View& x, const ConvShape& shape,
                                   const View& gradient_weight, const Place& place) {
  Status status = check(x, gradient_weight, gradient_y, shape);
  View left, right;
  if (status == Status::ok) status = packed(gradient_y, left, place);
  if (status == Status::ok) status = packed(x, right, place);
  if (status != Status::ok || gradient_weight.count() == 0) return status;
  WeightJob job;
  job.gradient = volume_of(left, shape.spatial), job.x = volume_of(right, shape.spatial);
  job.narrow = x.type == Type::bf16;
  job.out = gradient_weight.data;
  job.in_group = gradient_weight.size[1], job.out_group = gradient_weight.size[0] / shape.groups;
  job.out_stride = gradient_weight.stride[0], job.in_stride = gradient_weight.stride[1];
  for (int d = 0; d < shape.spatial; ++d) {
    const int at = 3 - shape.spatial + d;
    job.kernel[at] = gradient_weight.size[2 + d], job.kernel_stride[at] = gradient_weight.stride[2 + d];
    job.stride[at] = shape.stride[d], job.padding[at] = shape.padding[d],
    job.dilation[at] = shape.dilation[d];
  }
  return run(job, place);
}

Status convolution_bias_gradient(const View& gradient, const View& out, const Place& place) {
  if (!is_float(gradient.type) || out.type != gradient.type) return Status::bad_type;
  if (gradient.rank < 3 || gradient.rank > 5 || out.rank != 1 || out.size[0] != gradient.size[1])
    return Status::bad_shape;
  View side_by_side;
  if (const Status status = packed(gradient, side_by_side, place); status != Status::ok) return status;
  WeightJob job;
  job.gradient = volume_of(side_by_side, gradient.rank - 2), job.x = job.gradient;
  job.narrow = gradient.type == Type::bf16;
  job.ones = true;
  job.out = out.data, job.out_stride = out.stride[0];
  return out.count() == 0 ? Status::ok : run(job, place);
}

}  // namespace assay::kernels
