// Convolution: docs/determinism.md, R8. f32 and bf16, one type for all tensors of a call; any strides.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// 1 to 3 spatial dimensions. Sizes: x (batch, groups * in, X...), weight (groups * out, in, K...), y (batch,
/// groups * out, Y...), with Y = (X + 2 padding - dilation (K - 1) - 1) / stride + 1. A transposed
/// convolution is the same with x and y swapped: its input is y, its output x (X may then be larger by an
/// output padding).
struct ConvShape {
  int spatial = 1;
  std::int64_t stride[3] = {1, 1, 1};
  std::int64_t padding[3] = {0, 0, 0};
  std::int64_t dilation[3] = {1, 1, 1};
  std::int64_t groups = 1;
};

/// y: a chain of fma from +0, ascending over (input channel of the group, kernel position row-major),
/// positions in the padding left out; then the bias (null: none; groups * out), one rounded add. Also the
/// gradient that a transposed convolution gives its input (bias null).
Status convolution(const View& x, const View& weight, const View* bias, const ConvShape& shape, const View& y,
                   const Place& place);
/// The gradient of x: a chain of fma from +0, ascending over (output channel of the group, kernel position
/// row-major). With a bias (groups * in): the transposed convolution itself (gradient_y its input, gradient_x
/// its output).
Status convolution_input_gradient(const View& gradient_y, const View& weight, const View* bias,
                                  const ConvShape& shape, const View& gradient_x, const Place& place);
/// The gradient of the weight: R1 over (batch, output position) row-major of fp32(gradient_y * x), +0 where x
/// lies in the padding. For a transposed convolution: x is the gradient of its output, gradient_y its input.
Status convolution_weight_gradient(const View& gradient_y, const View& x, const ConvShape& shape,
                                   const View& gradient_weight, const Place& place);
/// The gradient of the bias: R1 over (batch, position) of gradient (batch, channels, ...); out (channels).
Status convolution_bias_gradient(const View& gradient, const View& out, const Place& place);

/// The same, element by element, from the definitions: what the tests compare with (CPU memory).
namespace reference {
Status convolution(const View& x, const View& weight, const View* bias, const ConvShape& shape,
                   const View& y);
Status convolution_input_gradient(const View& gradient_y, const View& weight, const View* bias,
                                  const ConvShape& shape, const View& gradient_x);
Status convolution_weight_gradient(const View& gradient_y, const View& x, const ConvShape& shape,
                                   const View& gradient_weight);
}  // namespace reference

}  // namespace assay::kernels
