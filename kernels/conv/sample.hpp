// Interpolation and sampling at given places, over 1 to 3 spatial dimensions: docs/determinism.md, R8. x
// (batch, channels, X...), y (batch, channels, Y...); f32 and bf16, one type for all tensors of a call; any
// strides.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

enum class Sampling : std::uint8_t { nearest, linear, cubic };
enum class Padding : std::uint8_t { zeros, border, reflection };

struct InterpolateOptions {
  Sampling mode = Sampling::nearest;  ///< cubic: two spatial dimensions
  bool exact = false;                 ///< nearest: of the middle of the output's element
  bool aligned = false;               ///< corners lie on corners
  double scale[3] = {0, 0, 0};        ///< one a spatial dimension; not above 0: by the sizes
};
Status interpolate(const View& x, const InterpolateOptions& options, const View& y, const Place& place);
Status interpolate_gradient(const View& gradient_y, const InterpolateOptions& options, const View& gradient_x,
                            const Place& place);

struct GridOptions {
  Sampling mode = Sampling::linear;  ///< cubic: two spatial dimensions
  Padding padding = Padding::zeros;
  bool aligned = false;
};
/// grid (batch, Y..., spatial), its last dimension from the last of X to the first.
Status grid_sample(const View& x, const View& grid, const GridOptions& options, const View& y,
                   const Place& place);
/// gradient_x and gradient_grid may each be null: not wanted. On CUDA the positions of all taps are fewer
/// than 2^32 - 1 (bad_shape beyond).
Status grid_sample_gradient(const View& gradient_y, const View& x, const View& grid,
                            const GridOptions& options, const View* gradient_x, const View* gradient_grid,
                            const Place& place);

/// im2col's rule, over planes: x (batch, channels, H, W), columns (batch, channels * kernel, windows).
/// Elements move; +0 in the padding.
struct PatchShape {
  std::int64_t kernel[2] = {1, 1}, dilation[2] = {1, 1}, padding[2] = {0, 0}, stride[2] = {1, 1};
};
Status patches(const View& x, const PatchShape& shape, const View& columns, const Place& place);
/// From +0, the elements that lie there in ascending kernel position.
Status patches_joined(const View& columns, const PatchShape& shape, const View& x, const Place& place);

/// The same, each element apart, for tests.
namespace reference {
Status interpolate(const View& x, const InterpolateOptions& options, const View& y);
Status interpolate_gradient(const View& gradient_y, const InterpolateOptions& options,
                            const View& gradient_x);
Status grid_sample(const View& x, const View& grid, const GridOptions& options, const View& y);
Status grid_sample_gradient(const View& gradient_y, const View& x, const View& grid,
                            const GridOptions& options, const View& gradient_x, const View& gradient_grid);
}  // namespace reference

}  // namespace assay::kernels
