// Interpolation, sampling at given places and patches (R8), below autograd.
#include "kernels/conv/sample.hpp"
#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

/// From argument `first` on: align_corners (not for nearest), then a scale a dimension.
template <Sampling mode, int spatial, bool exact>
InterpolateOptions options_of(Call& call, std::size_t first) {
  InterpolateOptions options;
  options.mode = mode, options.exact = exact;
  if (mode != Sampling::nearest) options.aligned = call.flag(first++);
  for (std::size_t d = 0; d < spatial; ++d) options.scale[d] = call.real_or(first + d, 0);
  return options;
}

void check_sizes(at::IntArrayRef sizes, int spatial) {
  TORCH_CHECK(static_cast<int>(sizes.size()) == spatial + 2, "interpolation: expected ", spatial + 2,
              " dimensions, found ", sizes.size());
  for (const std::int64_t size : sizes.slice(1))
    TORCH_CHECK(size > 0, "interpolation: expected input and output sizes above 0, found ", sizes);
}

/// upsample_*(self, output_size, [align_corners,] scales...)
template <Sampling mode, int spatial, bool exact = false>
Answer resized(Call& call) {
  const at::Tensor x = call.tensor(0);
  if (!is_arithmetic(x)) return call.refuse_type(0);
  check_sizes(x.sizes(), spatial);
  const std::vector<std::int64_t> outputs = call.integers(1);
  at::DimVector sizes{x.size(0), x.size(1)};
  sizes.append(outputs.begin(), outputs.end());
  check_sizes(sizes, spatial);
  const at::Tensor out = result_for(call.target(), sizes, x.scalar_type(), x.device());
  const Here here(x.device());
  call.check(interpolate(view_of(x), options_of<mode, spatial, exact>(call, 2), view_of(out), here));
  return call.give(out);
}

/// upsample_*_backward(grad_output, output_size, input_size, [align_corners,] scales...)
template <Sampling mode, int spatial, bool exact = false>
Answer resized_backward(Call& call) {
  const at::Tensor grad = call.tensor(0);
  if (!is_arithmetic(grad)) return call.refuse_type(0);
  check_sizes(grad.sizes(), spatial);
  const std::vector<std::int64_t> sizes = call.integers(2);
  check_sizes(sizes, spatial);
  const at::Tensor out = result_for(call.target(), sizes, grad.scalar_type(), grad.device());
  const Here here(grad.device());
  call.check(
      interpolate_gradient(view_of(grad), options_of<mode, spatial, exact>(call, 3), view_of(out), here));
  return call.give(out);
}

/// From argument `first` on: interpolation_mode, padding_mode, align_corners.
GridOptions grid_options(Call& call, std::size_t first) {
  const std::int64_t mode = call.integer(first), padding = call.integer(first + 1);
  TORCH_CHECK(mode >= 0 && mode <= 2, "grid_sampler: expected interpolation_mode 0, 1 or 2, found ", mode);
  TORCH_CHECK(padding >= 0 && padding <= 2, "grid_sampler: expected padding_mode 0, 1 or 2, found ", padding);
  constexpr Sampling kModes[] = {Sampling::linear, Sampling::nearest, Sampling::cubic};
  constexpr Padding kPaddings[] = {Padding::zeros, Padding::border, Padding::reflection};
  return {kModes[mode], kPaddings[padding], call.flag(first + 2)};
}

std::optional<Answer> unfit_grid(Call& call, std::size_t x, std::size_t grid) {
  if (!is_arithmetic(call.tensor(x))) return call.refuse_type(x);
  if (call.tensor(grid).scalar_type() != call.tensor(x).scalar_type())
    return call.refuse_type(grid, "the input's type");
  return std::nullopt;
}

/// grid_sampler_Xd(input, grid, interpolation_mode, padding_mode, align_corners)
Answer grid_forward(Call& call) {
  if (const auto answer = unfit_grid(call, 0, 1)) return *answer;
  const at::Tensor x = call.tensor(0), grid = call.tensor(1);
  at::DimVector sizes{x.size(0), x.size(1)};
  for (std::int64_t d = 1; d + 1 < grid.dim(); ++d) sizes.push_back(grid.size(d));
  const at::Tensor out = make(sizes, x.scalar_type(), x.device());
  const Here here(x.device());
  call.check(grid_sample(view_of(x), view_of(grid), grid_options(call, 2), view_of(out), here));
  return call.give(out);
}

/// grid_sampler_Xd_backward(grad_output, input, grid, interpolation_mode, padding_mode, align_corners,
/// output_mask)
Answer grid_backward(Call& call) {
  if (const auto answer = unfit_grid(call, 1, 2)) return *answer;
  const at::Tensor grad = call.tensor(0), x = call.tensor(1), grid = call.tensor(2);
  if (grad.scalar_type() != x.scalar_type()) return call.refuse_type(0, "the input's type");
  const auto wanted = call.arg(6).toBoolList();
  at::Tensor to_x, to_grid;
  View x_view, grid_view;
  if (wanted[0]) x_view = view_of(to_x = make(x.sizes(), x.scalar_type(), x.device()));
  if (wanted[1]) grid_view = view_of(to_grid = make(grid.sizes(), x.scalar_type(), x.device()));
  const Here here(x.device());
  call.check(grid_sample_gradient(view_of(grad), view_of(x), view_of(grid), grid_options(call, 3),
                                  wanted[0] ? &x_view : nullptr, wanted[1] ? &grid_view : nullptr, here));
  return call.give({to_x, to_grid});
}

/// From argument `first` on: kernel_size, dilation, padding, stride.
PatchShape patch_shape(Call& call, std::size_t first) {
  PatchShape shape;
  std::int64_t* const lists[] = {shape.kernel, shape.dilation, shape.padding, shape.stride};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::vector<std::int64_t> values = call.integers(first + i);
    lists[i][0] = values.front(), lists[i][1] = values.back();
    TORCH_CHECK(values.size() <= 2 && std::min(values.front(), values.back()) >= (i == 2 ? 0 : 1),
                "im2col, col2im: argument '", call.argument_name(first + i), "': found ", values);
  }
  return shape;
}

std::int64_t windows_of(const PatchShape& shape, const std::int64_t* sizes) {
  std::int64_t all = 1;
  for (int d = 0; d < 2; ++d) {
    const std::int64_t room = sizes[d] + 2 * shape.padding[d] - shape.dilation[d] * (shape.kernel[d] - 1) - 1;
    TORCH_CHECK(room >= 0, "im2col, col2im: expected room for one window in dimension ", d, ", found size ",
                sizes[d]);
    all *= room / shape.stride[d] + 1;
  }
  return all;
}

at::Tensor batched(const at::Tensor& x, std::int64_t rank) { return x.dim() == rank ? x : x.unsqueeze(0); }

/// im2col(self, kernel_size, dilation, padding, stride)
Answer to_columns(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  TORCH_CHECK(self.dim() == 3 || self.dim() == 4, "im2col: expected 3 or 4 dimensions, found ", self.dim());
  const PatchShape shape = patch_shape(call, 1);
  const at::Tensor x = batched(self, 4);
  at::DimVector sizes{x.size(0), x.size(1) * shape.kernel[0] * shape.kernel[1],
                      windows_of(shape, x.sizes().data() + 2)};
  if (self.dim() == 3) sizes.erase(sizes.begin());
  const at::Tensor out = result_for(call.target(), sizes, x.scalar_type(), x.device());
  const Here here(x.device());
  call.check(patches(view_of(x), shape, view_of(batched(out, 3)), here));
  return call.give(out);
}

/// col2im(self, output_size, kernel_size, dilation, padding, stride)
Answer from_columns(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  TORCH_CHECK(self.dim() == 2 || self.dim() == 3, "col2im: expected 2 or 3 dimensions, found ", self.dim());
  const PatchShape shape = patch_shape(call, 2);
  const std::vector<std::int64_t> plane = call.integers(1);
  const at::Tensor columns = batched(self, 3);
  const std::int64_t windows = windows_of(shape, plane.data()), taps = shape.kernel[0] * shape.kernel[1];
  TORCH_CHECK(columns.size(1) % taps == 0 && columns.size(2) == windows,
              "col2im: expected sizes (batch, channels * ", taps, ", ", windows, "), found ",
              columns.sizes());
  at::DimVector sizes{columns.size(0), columns.size(1) / taps, plane[0], plane[1]};
  if (self.dim() == 2) sizes.erase(sizes.begin());
  const at::Tensor out = result_for(call.target(), sizes, columns.scalar_type(), columns.device());
  const Here here(columns.device());
  call.check(patches_joined(view_of(columns), shape, view_of(batched(out, 4)), here));
  return call.give(out);
}

constexpr Row row(const char* names, Handler run) { return {names, Level::under, run, "", "R8 sampling"}; }
constexpr Sampling kNearest = Sampling::nearest, kLinear = Sampling::linear, kCubic = Sampling::cubic;

constexpr Row kRows[] = {
    row("upsample_nearest1d upsample_nearest1d.out", resized<kNearest, 1>),
    row("upsample_nearest2d upsample_nearest2d.out", resized<kNearest, 2>),
    row("upsample_nearest3d upsample_nearest3d.out", resized<kNearest, 3>),
    row("_upsample_nearest_exact1d _upsample_nearest_exact1d.out", resized<kNearest, 1, true>),
    row("_upsample_nearest_exact2d _upsample_nearest_exact2d.out", resized<kNearest, 2, true>),
    row("_upsample_nearest_exact3d _upsample_nearest_exact3d.out", resized<kNearest, 3, true>),
    row("upsample_linear1d upsample_linear1d.out", resized<kLinear, 1>),
    row("upsample_bilinear2d upsample_bilinear2d.out", resized<kLinear, 2>),
    row("upsample_trilinear3d upsample_trilinear3d.out", resized<kLinear, 3>),
    row("upsample_bicubic2d upsample_bicubic2d.out", resized<kCubic, 2>),
    row("upsample_nearest1d_backward upsample_nearest1d_backward.grad_input", resized_backward<kNearest, 1>),
    row("upsample_nearest2d_backward upsample_nearest2d_backward.grad_input", resized_backward<kNearest, 2>),
    row("upsample_nearest3d_backward upsample_nearest3d_backward.grad_input", resized_backward<kNearest, 3>),
    row("_upsample_nearest_exact1d_backward _upsample_nearest_exact1d_backward.grad_input",
        resized_backward<kNearest, 1, true>),
    row("_upsample_nearest_exact2d_backward _upsample_nearest_exact2d_backward.grad_input",
        resized_backward<kNearest, 2, true>),
    row("_upsample_nearest_exact3d_backward _upsample_nearest_exact3d_backward.grad_input",
        resized_backward<kNearest, 3, true>),
    row("upsample_linear1d_backward upsample_linear1d_backward.grad_input", resized_backward<kLinear, 1>),
    row("upsample_bilinear2d_backward upsample_bilinear2d_backward.grad_input", resized_backward<kLinear, 2>),
    row("upsample_trilinear3d_backward upsample_trilinear3d_backward.grad_input",
        resized_backward<kLinear, 3>),
    row("upsample_bicubic2d_backward upsample_bicubic2d_backward.grad_input", resized_backward<kCubic, 2>),
    row("grid_sampler_2d grid_sampler_3d", grid_forward),
    row("grid_sampler_2d_backward grid_sampler_3d_backward", grid_backward),
    row("im2col im2col.out", to_columns),
    row("col2im col2im.out", from_columns),
};

}  // namespace

std::span<const Row> rows_sample() { return kRows; }

}  // namespace assay::kernels::aten
