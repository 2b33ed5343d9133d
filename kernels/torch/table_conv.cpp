// Convolution, pooling and Fourier transforms (R8).
#include <ATen/WrapDimUtils.h>
#include <cmath>

#include "kernels/conv/conv.hpp"
#include "kernels/conv/fft.hpp"
#include "kernels/conv/pool.hpp"
#include "kernels/torch/maybe_view.hpp"
#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

/// Arguments that convolution and its backward share, from `first` on: stride, padding, dilation, transposed,
/// output_padding, groups.
struct Geometry {
  ConvShape shape;
  bool transposed;
  std::vector<std::int64_t> output_padding;

  Geometry(Call& call, std::size_t first, std::int64_t spatial) : transposed(call.flag(first + 3)) {
    shape.spatial = static_cast<int>(spatial);
    shape.groups = call.integer(first + 5);
    output_padding = filled(call.integers(first + 4), spatial);
    const std::vector<std::int64_t> stride = filled(call.integers(first), spatial),
                                    padding = filled(call.integers(first + 1), spatial),
                                    dilation = filled(call.integers(first + 2), spatial);
    for (std::size_t d = 0; d < static_cast<std::size_t>(spatial); ++d) {
      shape.stride[d] = stride[d];
      shape.padding[d] = padding[d];
      shape.dilation[d] = dilation[d];
    }
  }
  static std::vector<std::int64_t> filled(std::vector<std::int64_t> values, std::int64_t spatial) {
    while (static_cast<std::int64_t>(values.size()) < spatial) values.push_back(values.back());
    return values;
  }
  at::DimVector output_sizes(const at::Tensor& input, const at::Tensor& weight) const {
    at::DimVector sizes{input.size(0), transposed ? weight.size(1) * shape.groups : weight.size(0)};
    for (int d = 0; d < shape.spatial; ++d) {
      const std::int64_t reach = shape.dilation[d] * (weight.size(d + 2) - 1), x = input.size(d + 2);
      sizes.push_back(transposed ? (x - 1) * shape.stride[d] - 2 * shape.padding[d] + reach +
                                       output_padding[static_cast<std::size_t>(d)] + 1
                                 : (x + 2 * shape.padding[d] - reach - 1) / shape.stride[d] + 1);
      TORCH_CHECK(sizes.back() > 0 || x == 0, "convolution: expected an input of at least ", reach + 1,
                  " elements with its padding in dimension ", d + 2, ", found ", x + 2 * shape.padding[d]);
    }
    return sizes;
  }
};

std::optional<Answer> unfit(Call& call, std::size_t input, std::size_t weight) {
  const at::Tensor &x = call.tensor(input), &w = call.tensor(weight);
  if (!is_arithmetic(x)) return call.refuse_type(input);
  TORCH_CHECK(w.scalar_type() == x.scalar_type(), "Input type (", x.scalar_type(), ") and weight type (",
              w.scalar_type(), ") should be the same");
  if (x.dim() != w.dim() || x.dim() < 3 || x.dim() > 5)
    return call.refuse("argument '" + call.argument_name(input) +
                       "': expected 3 to 5 dimensions, as the weight has, found " + std::to_string(x.dim()));
  return std::nullopt;
}

/// convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)
Answer forward(Call& call) {
  if (const auto answer = unfit(call, 0, 1)) return *answer;
  const at::Tensor input = call.tensor(0), weight = call.tensor(1), bias = call.tensor(2);
  if (bias.defined() && bias.scalar_type() != input.scalar_type())
    return call.refuse_type(2, "the input's type");
  const Geometry geometry(call, 3, input.dim() - 2);
  const std::int64_t channels = geometry.transposed ? weight.size(0) : weight.size(1) * geometry.shape.groups;
  TORCH_CHECK(input.size(1) == channels, "convolution: expected input to have ", channels,
              " channels, found ", input.size(1));
  const at::Tensor out = make(geometry.output_sizes(input, weight), input.scalar_type(), input.device());
  const MaybeView added(bias);
  if (out.numel() == 0) return call.give(out);
  const Here here(input.device());
  call.check(geometry.transposed ? convolution_input_gradient(view_of(input), view_of(weight), added.get(),
                                                              geometry.shape, view_of(out), here)
                                 : convolution(view_of(input), view_of(weight), added.get(), geometry.shape,
                                               view_of(out), here));
  return call.give(out);
}

/// convolution_backward(grad_output, input, weight, bias_sizes, stride, padding, dilation, transposed,
/// output_padding, groups, output_mask)
Answer backward(Call& call) {
  if (const auto answer = unfit(call, 1, 2)) return *answer;
  const at::Tensor grad = call.tensor(0), input = call.tensor(1), weight = call.tensor(2);
  if (grad.scalar_type() != input.scalar_type()) return call.refuse_type(0, "the input's type");
  const Geometry geometry(call, 4, input.dim() - 2);
  const auto wanted = call.arg(10).toBoolList();
  const View g = view_of(grad), x = view_of(input), w = view_of(weight);
  const Here here(input.device());
  at::Tensor to_input, to_weight, to_bias;
  if (wanted[0]) {
    to_input = make(input.sizes(), input.scalar_type(), input.device());
    if (to_input.numel() > 0)
      call.check(geometry.transposed
                     ? convolution(g, w, nullptr, geometry.shape, view_of(to_input), here)
                     : convolution_input_gradient(g, w, nullptr, geometry.shape, view_of(to_input), here));
  }
  if (wanted[1]) {
    to_weight = make(weight.sizes(), weight.scalar_type(), weight.device());
    call.check(convolution_weight_gradient(geometry.transposed ? x : g, geometry.transposed ? g : x,
                                           geometry.shape, view_of(to_weight), here));
  }
  if (wanted[2]) {
    to_bias = make({grad.size(1)}, grad.scalar_type(), grad.device());
    call.check(convolution_bias_gradient(g, view_of(to_bias), here));
  }
  return call.give({to_input, to_weight, to_bias});
}

PoolShape adaptive_shape(int spatial) {
  PoolShape shape;
  shape.spatial = spatial;
  shape.adaptive = true;
  return shape;
}

/// Pooling's arguments from position 1 on: kernel_size, stride (empty: the kernel), padding, and for the
/// maximum dilation, then ceil_mode.
PoolShape pool_shape(Call& call, std::size_t first, int spatial, bool maximum) {
  PoolShape shape;
  shape.spatial = spatial;
  const std::vector<std::int64_t> kernel = Geometry::filled(call.integers(first), spatial);
  std::vector<std::int64_t> stride = call.integers(first + 1);
  stride = stride.empty() ? kernel : Geometry::filled(stride, spatial);
  const std::vector<std::int64_t> padding = Geometry::filled(call.integers(first + 2), spatial);
  const std::vector<std::int64_t> dilation =
      maximum ? Geometry::filled(call.integers(first + 3), spatial) : std::vector<std::int64_t>(3, 1);
  for (std::size_t d = 0; d < static_cast<std::size_t>(spatial); ++d) {
    shape.kernel[d] = kernel[d];
    shape.stride[d] = stride[d];
    shape.padding[d] = padding[d];
    shape.dilation[d] = dilation[d];
    TORCH_CHECK(kernel[d] > 0 && stride[d] > 0 && padding[d] * 2 <= kernel[d],
                "pooling: expected a kernel and stride above 0 and padding at most half the kernel");
  }
  if (!maximum) {
    shape.counts_padding = call.flag(first + 4);
    shape.divisor = call.none(first + 5) ? 0 : call.integer(first + 5);
    TORCH_CHECK(call.none(first + 5) || shape.divisor != 0, "divisor must be not zero");
  }
  return shape;
}

/// The last window starts inside the input or its left padding, as ATen has it.
at::DimVector pooled_sizes(const at::Tensor& x, const PoolShape& shape, bool ceiling) {
  at::DimVector sizes(x.sizes());
  for (int d = 0; d < shape.spatial; ++d) {
    const std::int64_t size = x.size(x.dim() - shape.spatial + d), stride = shape.stride[d];
    const std::int64_t room = size + 2 * shape.padding[d] - shape.dilation[d] * (shape.kernel[d] - 1) - 1;
    std::int64_t out = room < 0 ? 0 : (room + (ceiling ? stride - 1 : 0)) / stride + 1;
    if (ceiling && (out - 1) * stride >= size + shape.padding[d]) --out;
    TORCH_CHECK(out >= 1, "pooling: expected an input of at least one window, found size ", size);
    sizes[static_cast<std::size_t>(x.dim() - shape.spatial + d)] = out;
  }
  return sizes;
}

/// (batch, channels, spatial...), a missing batch as one.
View batched(const at::Tensor& x, int spatial) {
  return view_of(x.dim() == spatial + 1 ? x.unsqueeze(0) : x);
}

std::optional<Answer> unfit_pool(Call& call, std::size_t i, int spatial) {
  const at::Tensor& x = call.tensor(i);
  if (!is_arithmetic(x)) return call.refuse_type(i);
  TORCH_CHECK(x.dim() == spatial + 1 || x.dim() == spatial + 2, "pooling: expected ", spatial + 1, " or ",
              spatial + 2, " dimensions, found ", x.dim());
  if (call.targets() > 0) return call.refuse("the out form is not covered");
  return std::nullopt;
}

template <int spatial>
Answer mean_forward(Call& call) {
  if (const auto answer = unfit_pool(call, 0, spatial)) return *answer;
  const at::Tensor x = call.tensor(0);
  const PoolShape shape = pool_shape(call, 1, spatial, false);
  const at::Tensor out = make(pooled_sizes(x, shape, call.flag(4)), x.scalar_type(), x.device());
  const Here here(x.device());
  if (out.numel() > 0) call.check(mean_pool(batched(x, spatial), shape, batched(out, spatial), here));
  return call.give(out);
}

template <int spatial>
Answer mean_backward(Call& call) {
  if (const auto answer = unfit_pool(call, 1, spatial)) return *answer;
  const at::Tensor grad = call.tensor(0), x = call.tensor(1);
  const at::Tensor out = make(x.sizes(), x.scalar_type(), x.device());
  const Here here(x.device());
  if (out.numel() > 0)
    call.check(mean_pool_gradient(batched(grad, spatial), pool_shape(call, 2, spatial, false),
                                  batched(out, spatial), here));
  return call.give(out);
}

template <int spatial>
Answer adaptive_forward(Call& call) {
  if (const auto answer = unfit_pool(call, 0, spatial)) return *answer;
  const at::Tensor x = call.tensor(0);
  const PoolShape shape = adaptive_shape(spatial);
  at::DimVector sizes(x.sizes());
  const std::vector<std::int64_t> wanted = call.integers(1);
  for (std::size_t d = 0; d < spatial; ++d)
    sizes[static_cast<std::size_t>(x.dim()) - spatial + d] = wanted[d];
  const at::Tensor out = make(sizes, x.scalar_type(), x.device());
  const Here here(x.device());
  if (out.numel() > 0) call.check(mean_pool(batched(x, spatial), shape, batched(out, spatial), here));
  return call.give(out);
}

template <int spatial>
Answer adaptive_backward(Call& call) {
  if (const auto answer = unfit_pool(call, 1, spatial)) return *answer;
  const at::Tensor grad = call.tensor(0), x = call.tensor(1);
  const PoolShape shape = adaptive_shape(spatial);
  const at::Tensor out = make(x.sizes(), x.scalar_type(), x.device());
  const Here here(x.device());
  if (out.numel() > 0)
    call.check(mean_pool_gradient(batched(grad, spatial), shape, batched(out, spatial), here));
  return call.give(out);
}

Answer give_max_pool(Call& call, const at::Tensor& x, const PoolShape& shape, const at::DimVector& sizes) {
  const at::Tensor out = make(sizes, x.scalar_type(), x.device()),
                   indices = make(sizes, at::kLong, x.device());
  const Here here(x.device());
  const int spatial = shape.spatial;
  if (out.numel() > 0)
    call.check(max_pool(batched(x, spatial), shape, batched(out, spatial), batched(indices, spatial), here));
  return call.give({out, indices});
}

Answer give_max_pool_gradient(Call& call, const at::Tensor& grad, const at::Tensor& x,
                              const at::Tensor& indices, const PoolShape& shape) {
  const at::Tensor out = make(x.sizes(), x.scalar_type(), x.device());
  const Here here(x.device());
  const int spatial = shape.spatial;
  if (out.numel() > 0)
    call.check(max_pool_gradient(batched(grad, spatial), batched(indices, spatial), shape,
                                 batched(out, spatial), here));
  return call.give(out);
}

template <int spatial>
Answer max_forward(Call& call) {
  if (const auto answer = unfit_pool(call, 0, spatial)) return *answer;
  const at::Tensor x = call.tensor(0);
  const PoolShape shape = pool_shape(call, 1, spatial, true);
  const at::DimVector sizes = pooled_sizes(x, shape, call.flag(5));
  return give_max_pool(call, x, shape, sizes);
}

template <int spatial>
Answer max_backward(Call& call) {
  if (const auto answer = unfit_pool(call, 1, spatial)) return *answer;
  return give_max_pool_gradient(call, call.tensor(0), call.tensor(1), call.tensor(7),
                                pool_shape(call, 2, spatial, true));
}

/// adaptive_max_poolNd(self, output_size)
template <int spatial>
Answer adaptive_max_forward(Call& call) {
  if (const auto answer = unfit_pool(call, 0, spatial)) return *answer;
  const at::Tensor x = call.tensor(0);
  const PoolShape shape = adaptive_shape(spatial);
  at::DimVector sizes(x.sizes());
  const std::vector<std::int64_t> wanted = Geometry::filled(call.integers(1), spatial);
  for (std::size_t d = 0; d < spatial; ++d)
    sizes[static_cast<std::size_t>(x.dim()) - spatial + d] = wanted[d];
  return give_max_pool(call, x, shape, sizes);
}

/// adaptive_max_poolNd_backward(grad_output, self, indices)
template <int spatial>
Answer adaptive_max_backward(Call& call) {
  if (const auto answer = unfit_pool(call, 1, spatial)) return *answer;
  return give_max_pool_gradient(call, call.tensor(0), call.tensor(1), call.tensor(2),
                                adaptive_shape(spatial));
}

/// ATen's normalization over n elements: 0 none, 1 by the root, 2 by n.
double fft_scale(std::int64_t normalization, std::int64_t n) {
  const auto count = static_cast<double>(n);
  return normalization == 0 ? 1 : normalization == 1 ? 1 / std::sqrt(count) : 1 / count;
}

std::vector<std::int64_t> dims_of(Call& call, const at::Tensor& x) {
  std::vector<std::int64_t> dims = call.integers(1);
  for (std::int64_t& d : dims) d = at::maybe_wrap_dim(d, x.dim());
  return dims;
}

/// Over each of dims in turn; the scale goes with the last.
at::Tensor transformed(Call& call, at::Tensor x, at::IntArrayRef dims, bool inverse, double scale,
                       const Place& place) {
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const at::Tensor out = make(x.sizes(), at::kComplexFloat, x.device());
    call.check(fft(view_of(x), static_cast<int>(dims[i]), inverse, i + 1 == dims.size() ? scale : 1,
                   view_of(out), place));
    x = out;
  }
  return x;
}

/// _fft_c2c(self, dim, normalization, forward)
Answer fft_complex(Call& call) {
  const at::Tensor x = call.tensor(0).resolve_conj();
  if (x.scalar_type() != at::kComplexFloat) return call.refuse_type(0, "complex64");
  const std::vector<std::int64_t> dims = dims_of(call, x);
  std::int64_t n = 1;
  for (const std::int64_t d : dims) n *= x.size(d);
  const Here here(x.device());
  return call.give(dims.empty()
                       ? x.clone()
                       : transformed(call, x, dims, !call.flag(3), fft_scale(call.integer(2), n), here));
}

/// _fft_r2c(self, dim, normalization, onesided)
Answer fft_real(Call& call) {
  const at::Tensor x = call.tensor(0);
  if (x.scalar_type() != at::kFloat) return call.refuse_type(0, "float32");
  const std::vector<std::int64_t> dims = dims_of(call, x);
  std::int64_t n = 1;
  for (const std::int64_t d : dims) n *= x.size(d);
  const double scale = fft_scale(call.integer(2), n);
  const std::int64_t last = dims.back();
  at::DimVector sizes(x.sizes());
  if (call.flag(3)) sizes[static_cast<std::size_t>(last)] = x.size(last) / 2 + 1;
  const at::Tensor out = make(sizes, at::kComplexFloat, x.device());
  const Here here(x.device());
  call.check(
      fft_of_real(view_of(x), static_cast<int>(last), dims.size() == 1 ? scale : 1, view_of(out), here));
  return call.give(
      transformed(call, out, at::IntArrayRef(dims).slice(0, dims.size() - 1), false, scale, here));
}

/// _fft_c2r(self, dim, normalization, last_dim_size)
Answer fft_to_reals(Call& call) {
  at::Tensor x = call.tensor(0).resolve_conj();
  if (x.scalar_type() != at::kComplexFloat) return call.refuse_type(0, "complex64");
  const std::vector<std::int64_t> dims = dims_of(call, x);
  const std::int64_t last = dims.back(), length = call.integer(3);
  std::int64_t n = length;
  for (std::size_t i = 0; i + 1 < dims.size(); ++i) n *= x.size(dims[i]);
  const Here here(x.device());
  x = transformed(call, x, at::IntArrayRef(dims).slice(0, dims.size() - 1), true, 1, here)
          .narrow(last, 0, length / 2 + 1);
  at::DimVector sizes(x.sizes());
  sizes[static_cast<std::size_t>(last)] = length;
  const at::Tensor out = make(sizes, at::kFloat, x.device());
  call.check(
      fft_to_real(view_of(x), static_cast<int>(last), fft_scale(call.integer(2), n), view_of(out), here));
  return call.give(out);
}

constexpr Row kRows[] = {
    {"avg_pool2d", Level::under, mean_forward<2>, "", "R8"},
    {"avg_pool3d", Level::under, mean_forward<3>, "", "R8"},
    {"avg_pool2d_backward", Level::under, mean_backward<2>, "", "R8"},
    {"avg_pool3d_backward", Level::under, mean_backward<3>, "", "R8"},
    {"_adaptive_avg_pool2d", Level::under, adaptive_forward<2>, "", "R8"},
    {"_adaptive_avg_pool3d", Level::under, adaptive_forward<3>, "", "R8"},
    {"_adaptive_avg_pool2d_backward", Level::under, adaptive_backward<2>, "", "R8"},
    {"_adaptive_avg_pool3d_backward", Level::under, adaptive_backward<3>, "", "R8"},
    {"adaptive_max_pool2d", Level::under, adaptive_max_forward<2>, "", "R8, R4"},
    {"adaptive_max_pool3d", Level::under, adaptive_max_forward<3>, "", "R8, R4"},
    {"adaptive_max_pool2d_backward", Level::under, adaptive_max_backward<2>, "", "R8, R4"},
    {"adaptive_max_pool3d_backward", Level::under, adaptive_max_backward<3>, "", "R8, R4"},
    {"max_pool2d_with_indices", Level::under, max_forward<2>, "", "R8, R4"},
    {"max_pool3d_with_indices", Level::under, max_forward<3>, "", "R8, R4"},
    {"max_pool2d_with_indices_backward", Level::under, max_backward<2>, "", "R8, R4"},
    {"max_pool3d_with_indices_backward", Level::under, max_backward<3>, "", "R8, R4"},
    {"_fft_c2c", Level::under, fft_complex, "", "R8"},
    {"_fft_r2c", Level::under, fft_real, "", "R8"},
    {"_fft_c2r", Level::under, fft_to_reals, "", "R8"},
    {"convolution", Level::under, forward, "", "R8"},
    {"convolution_backward", Level::under, backward, "", "R8"},
};

}  // namespace

std::span<const Row> rows_conv() { return kRows; }

}  // namespace assay::kernels::aten
