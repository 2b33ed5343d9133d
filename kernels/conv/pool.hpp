// Pooling over 1 to 3 spatial dimensions: docs/determinism.md, R8. x (batch, channels, X...), y (batch,
// channels, Y...); f32 and bf16; any strides.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// The window of y's position q: q * stride - padding + k * dilation for k < kernel. Y is the caller's (floor
/// or ceiling).
struct PoolShape {
  int spatial = 2;
  std::int64_t kernel[3] = {1, 1, 1};
  std::int64_t stride[3] = {1, 1, 1};
  std::int64_t padding[3] = {0, 0, 0};
  std::int64_t dilation[3] = {1, 1, 1};  ///< maximum only
  bool counts_padding = true;            ///< mean: positions in the padding count for the divisor
  std::int64_t divisor = 0;              ///< mean: this in place of the count, unless 0
  bool adaptive = false;  ///< windows floor(q X / Y) to ceil((q + 1) X / Y); nothing else of this applies
};

/// The window's elements row-major, one rounded add each, then one division by fp32(count). An empty window:
/// +0.
Status mean_pool(const View& x, const PoolShape& shape, const View& y, const Place& place);
/// From +0: fp32(gradient_y / fp32(count)) of the windows that hold the element, ascending.
Status mean_pool_gradient(const View& gradient_y, const PoolShape& shape, const View& gradient_x,
                          const Place& place);
/// NaN is the largest, ties go to the lowest index. indices (i64, y's sizes): the row-major position in x's
/// spatial dimensions.
Status max_pool(const View& x, const PoolShape& shape, const View& y, const View& indices,
                const Place& place);
/// From +0: the gradients of the windows whose index this element is, ascending.
Status max_pool_gradient(const View& gradient_y, const View& indices, const PoolShape& shape,
                         const View& gradient_x, const Place& place);

}  // namespace assay::kernels
