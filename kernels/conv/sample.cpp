#include "kernels/conv/sample.hpp"

#include "kernels/conv/sample_job.hpp"
#include "kernels/conv/volume.hpp"
#include "kernels/index/copies.hpp"
#include "kernels/index/each.hpp"
#include "kernels/index/layout.hpp"

namespace assay::kernels {

namespace {

constexpr std::int64_t kGrain = 512;

Status build(const View& x, const View& y, const InterpolateOptions& options, InterpolateJob& job) {
  const int n = x.rank - 2;
  if (!is_float(x.type) || y.type != x.type) return Status::bad_type;
  if (n < 1 || n > 3 || y.rank != x.rank || x.size[0] != y.size[0] || x.size[1] != y.size[1])
    return Status::bad_shape;
  if (options.mode == Sampling::cubic && n != 2) return Status::bad_shape;
  job.x = volume_of(x, n), job.y = volume_of(y, n);
  job.narrow = x.type == Type::bf16;
  for (int d = 0; d < n; ++d) {
    Axis& axis = job.axis[3 - n + d];
    axis.size = x.size[2 + d], axis.outputs = y.size[2 + d];
    if (axis.size == 0 && y.count() > 0) return Status::bad_shape;
    axis.mode = options.mode, axis.aligned = options.aligned, axis.exact = options.exact;
    const auto size = static_cast<float>(axis.size), outputs = static_cast<float>(axis.outputs);
    if (options.aligned && options.mode != Sampling::nearest)
      axis.ratio = axis.outputs > 1 ? (size - 1.0F) / (outputs - 1.0F) : 0.0F;
    else
      axis.ratio = options.scale[d] > 0 ? static_cast<float>(1.0 / options.scale[d]) : size / outputs;
  }
  return Status::ok;
}

Status build(const View& x, const View& grid, const View& y, const GridOptions& options, GridJob& job) {
  const int n = x.rank - 2;
  if (!is_float(x.type) || y.type != x.type || grid.type != x.type) return Status::bad_type;
  if (n < 2 || n > 3 || y.rank != x.rank || grid.rank != x.rank || x.size[1] != y.size[1] ||
      x.size[0] != y.size[0] || grid.size[0] != x.size[0] || grid.size[n + 1] != n)
    return Status::bad_shape;
  if (options.mode == Sampling::cubic && n != 2) return Status::bad_shape;
  for (int d = 0; d < n; ++d)
    if (grid.size[1 + d] != y.size[2 + d] || (x.size[2 + d] == 0 && y.count() > 0)) return Status::bad_shape;
  job.x = volume_of(x, n), job.y = volume_of(y, n);
  job.narrow = x.type == Type::bf16;
  job.spatial = n;
  job.grid = grid.data, job.grid_batch = grid.stride[0], job.grid_component = grid.stride[n + 1];
  for (int d = 0; d < n; ++d) job.grid_point[3 - n + d] = grid.stride[1 + d];
  job.mode = options.mode, job.padding = options.padding, job.aligned = options.aligned;
  const int taps = options.mode == Sampling::nearest ? 1 : options.mode == Sampling::linear ? 2 : 4;
  job.combinations = n == 2 ? taps * taps : taps * taps * taps;
  return Status::ok;
}

// Plane after plane: `sums` holds the channels of one batch element.
Status grid_scatter_cpu(const GridJob& job, const Volume& to, const Place& place) {
  const std::int64_t points = to.points(), positions = job.y.points();
  auto* sums = take_array<float>(place, to.channels * points);
  if (!sums) return Status::out_of_memory;
  Volume one = job.y;
  one.channels = 1;
  const std::int64_t grain = 65536 / (positions * job.combinations + points + 1) + 1;
  for (std::int64_t batch = 0; batch < to.batch; ++batch)
    place.threads->each(to.channels, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin * points; i < end * points; ++i) sums[i] = 0.0F;
      for (std::int64_t q = 0; q < positions; ++q) {
        const Spot s = spot_of(one, q);
        Taps taps[3];
        job.taps(batch, s.at, taps, nullptr, nullptr);
        const std::int64_t from = point_offset(job.y, s.at);
        for (int t = 0; t < job.combinations; ++t) {
          const Landing land = landing(job.x, taps, t);
          if (land.slot < 0) continue;
          for (std::int64_t c = begin; c < end; ++c)
            sums[c * points + land.slot] +=
                load_element(job.y.data, job.narrow, plane_offset(job.y, batch, c) + from) * land.weight;
        }
      }
      for (std::int64_t i = begin * points; i < end * points; ++i) {
        Volume plane = to;
        plane.batch = 1;
        const Spot s = spot_of(plane, i);
        store_element(to.data, job.narrow, plane_offset(to, batch, s.channel) + point_offset(to, s.at),
                      sums[i]);
      }
    });
  return Status::ok;
}

Status grid_scatter(const GridJob& job, const View& gradient_x, const Place& place) {
  const Volume to = volume_of(gradient_x, job.spatial);
  if (gradient_x.count() == 0) return Status::ok;
  if (!place.cuda) return grid_scatter_cpu(job, to, place);
#if defined(ASSAY_HAS_CUDA)
  const Status status = fill_bytes(gradient_x, nullptr, place);
  return status == Status::ok ? grid_scatter_cuda(job, to, place) : status;
#else
  return Status::no_cuda;
#endif
}

Status build(const View& x, const PatchShape& shape, const View& columns, PatchJob& job) {
  if (!is_float(x.type) || columns.type != x.type) return Status::bad_type;
  if (x.rank != 4 || columns.rank != 3 || columns.size[0] != x.size[0] ||
      columns.size[1] != x.size[1] * shape.kernel[0] * shape.kernel[1])
    return Status::bad_shape;
  job.x = volume_of(x, 2), job.narrow = x.type == Type::bf16, job.shape = shape;
  job.columns = columns.data;
  for (int d = 0; d < 3; ++d) job.column_stride[d] = columns.stride[d];
  for (int d = 0; d < 2; ++d) {
    if (shape.kernel[d] < 1 || shape.dilation[d] < 1 || shape.stride[d] < 1 || shape.padding[d] < 0)
      return Status::bad_shape;
    const std::int64_t room =
        x.size[2 + d] + 2 * shape.padding[d] - shape.dilation[d] * (shape.kernel[d] - 1) - 1;
    job.windows[d] = room < 0 ? 0 : room / shape.stride[d] + 1;
  }
  return columns.size[2] == job.windows[0] * job.windows[1] ? Status::ok : Status::bad_shape;
}

}  // namespace

Status interpolate(const View& x, const InterpolateOptions& options, const View& y, const Place& place) {
  InterpolateJob job;
  const Status status = build(x, y, options, job);
  return status == Status::ok ? each(place, y.count(), kGrain, Interpolate{job}) : status;
}

Status interpolate_gradient(const View& gradient_y, const InterpolateOptions& options, const View& gradient_x,
                            const Place& place) {
  InterpolateJob job;
  const Status status = build(gradient_x, gradient_y, options, job);
  return status == Status::ok ? each(place, gradient_x.count(), kGrain / 8, InterpolateGradient{job})
                              : status;
}

Status grid_sample(const View& x, const View& grid, const GridOptions& options, const View& y,
                   const Place& place) {
  GridJob job;
  const Status status = build(x, grid, y, options, job);
  return status == Status::ok ? each(place, y.count(), kGrain, GridSample{job}) : status;
}

Status grid_sample_gradient(const View& gradient_y, const View& x, const View& grid,
                            const GridOptions& options, const View* gradient_x, const View* gradient_grid,
                            const Place& place) {
  GridJob job;
  Status status = build(x, grid, gradient_y, options, job);
  if (status != Status::ok) return status;
  if ((gradient_x && gradient_x->type != x.type) || (gradient_grid && gradient_grid->type != x.type))
    return Status::bad_type;
  if ((gradient_x && !same_sizes(*gradient_x, x)) || (gradient_grid && !same_sizes(*gradient_grid, grid)))
    return Status::bad_shape;
  if (gradient_x) status = grid_scatter(job, *gradient_x, place);
  if (status != Status::ok || !gradient_grid) return status;
  GridSlopes slopes{job};
  slopes.out = gradient_grid->data;
  slopes.out_batch = gradient_grid->stride[0], slopes.out_component = gradient_grid->stride[job.spatial + 1];
  for (int d = 0; d < job.spatial; ++d) slopes.out_point[3 - job.spatial + d] = gradient_grid->stride[1 + d];
  return each(place, job.y.batch * job.y.points(), kGrain / (job.y.channels + 1) + 1, slopes);
}

Status patches(const View& x, const PatchShape& shape, const View& columns, const Place& place) {
  PatchJob job;
  const Status status = build(x, shape, columns, job);
  return status == Status::ok ? each(place, columns.count(), 4 * kGrain, Patches{job}) : status;
}

Status patches_joined(const View& columns, const PatchShape& shape, const View& x, const Place& place) {
  PatchJob job;
  const Status status = build(x, shape, columns, job);
  return status == Status::ok ? each(place, x.count(), kGrain, PatchesJoined{job}) : status;
}

}  // namespace assay::kernels
