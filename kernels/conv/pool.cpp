#include "kernels/conv/pool.hpp"

#include "kernels/conv/pool_job.hpp"
#include "kernels/conv/volume.hpp"
#include "kernels/index/each.hpp"
#include "kernels/index/layout.hpp"

namespace assay::kernels {

namespace {

Status build(const View& x, const View& y, const PoolShape& shape, Pool& pool) {
  if (!is_float(x.type) || y.type != x.type) return Status::bad_type;
  const int n = shape.spatial;
  if (n < 1 || n > 3 || x.rank != n + 2 || y.rank != n + 2 || x.size[0] != y.size[0] ||
      x.size[1] != y.size[1])
    return Status::bad_shape;
  pool.x = volume_of(x, n), pool.y = volume_of(y, n);
  pool.narrow = x.type == Type::bf16;
  pool.shape.spatial = 3;
  pool.shape.counts_padding = shape.counts_padding, pool.shape.divisor = shape.divisor,
  pool.shape.adaptive = shape.adaptive;
  for (int d = 0; d < n; ++d) {
    if (shape.kernel[d] < 1 || shape.stride[d] < 1 || shape.padding[d] < 0 || shape.dilation[d] < 1)
      return Status::bad_shape;
    if (shape.adaptive && x.count() > 0 && y.size[2 + d] == 0) return Status::bad_shape;
    const int at = 3 - n + d;
    pool.shape.kernel[at] = shape.kernel[d], pool.shape.stride[at] = shape.stride[d];
    pool.shape.padding[at] = shape.padding[d], pool.shape.dilation[at] = shape.dilation[d];
  }
  return Status::ok;
}

Status set_indices(const View& indices, const View& y, Pool& pool) {
  if (indices.type != Type::i64) return Status::bad_type;
  if (!same_sizes(indices, y)) return Status::bad_shape;
  pool.indices = indices.as<std::int64_t>();
  pool.index_stride[0] = indices.stride[0], pool.index_stride[1] = indices.stride[1];
  for (int d = 2; d < indices.rank; ++d) pool.index_stride[5 - indices.rank + d] = indices.stride[d];
  return Status::ok;
}

constexpr std::int64_t kGrain = 2048;

}  // namespace

Status mean_pool(const View& x, const PoolShape& shape, const View& y, const Place& place) {
  Pool pool;
  const Status status = build(x, y, shape, pool);
  return status == Status::ok ? each(place, y.count(), kGrain, MeanPool{pool}) : status;
}

Status mean_pool_gradient(const View& gradient_y, const PoolShape& shape, const View& gradient_x,
                          const Place& place) {
  Pool pool;
  const Status status = build(gradient_x, gradient_y, shape, pool);
  return status == Status::ok ? each(place, gradient_x.count(), kGrain, PoolGradient<false>{pool}) : status;
}

Status max_pool(const View& x, const PoolShape& shape, const View& y, const View& indices,
                const Place& place) {
  Pool pool;
  Status status = build(x, y, shape, pool);
  if (status == Status::ok) status = set_indices(indices, y, pool);
  return status == Status::ok ? each(place, y.count(), kGrain, MaxPool{pool}) : status;
}

Status max_pool_gradient(const View& gradient_y, const View& indices, const PoolShape& shape,
                         const View& gradient_x, const Place& place) {
  Pool pool;
  Status status = build(gradient_x, gradient_y, shape, pool);
  if (status == Status::ok) status = set_indices(indices, gradient_y, pool);
  return status == Status::ok ? each(place, gradient_x.count(), kGrain, PoolGradient<true>{pool}) : status;
}

}  // namespace assay::kernels
