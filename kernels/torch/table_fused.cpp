// Operators over rows: softmax, norms, losses, extrema with their positions.
#include <ATen/TensorSubclassLikeUtils.h>
#include <ATen/WrapDimUtils.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/_fused_rms_norm.h>
#include <c10/core/GradMode.h>
#include <limits>

#include "kernels/reduce/exact.hpp"
#include "kernels/reduce/loss.hpp"
#include "kernels/reduce/norm.hpp"
#include "kernels/reduce/softmax.hpp"
#include "kernels/torch/maybe_view.hpp"
#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

std::int64_t wrapped(const at::Tensor& tensor, std::int64_t dim) {
  return at::maybe_wrap_dim(dim, tensor.dim());
}
View at_least_one(const at::Tensor& tensor) { return view_of(tensor.dim() ? tensor : tensor.unsqueeze(0)); }

/// _softmax(self, dim, half_to_float)
template <bool log>
Answer softmax_forward(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  const auto dim = static_cast<int>(wrapped(self, call.integer(1)));
  const at::Tensor out =
      result_for(call.target(), self.sizes(), call.flag(2) ? at::kFloat : self.scalar_type(), self.device());
  const Here here(self.device());
  if (self.numel() > 0) call.check(softmax(at_least_one(self), dim, at_least_one(out), log, here));
  return call.give(out);
}

/// _softmax_backward_data(grad_output, output, dim, input_dtype)
template <bool log>
Answer softmax_gradient(Call& call) {
  const at::Tensor grad = call.tensor(0), output = call.tensor(1);
  if (!is_arithmetic(grad)) return call.refuse_type(0);
  const at::ScalarType type = call.arg(3).toScalarType();
  if (!is_arithmetic(type))
    return call.refuse(std::string("argument 'input_dtype': found ") + c10::toString(type));
  const auto dim = static_cast<int>(wrapped(grad, call.integer(2)));
  const at::Tensor out = result_for(call.target(), grad.sizes(), type, grad.device());
  const Here here(grad.device());
  if (grad.numel() > 0)
    call.check(softmax_backward(at_least_one(grad), at_least_one(output), dim, at_least_one(out), log, here));
  return call.give(out);
}

/// The tensor as rows of the normalised dimensions, packed when its strides do not allow that.
struct AsRows {
  std::int64_t rows = 1, columns = 1;
  at::DimVector saved;  ///< sizes of what is kept a row

  AsRows(const at::Tensor& tensor, std::size_t normalized) {
    const std::size_t rank = static_cast<std::size_t>(tensor.dim());
    TORCH_CHECK(normalized >= 1 && normalized <= rank, "normalized_shape: expected 1 to ", rank,
                " dimensions, found ", normalized);
    for (std::size_t d = 0; d < rank; ++d) {
      const bool row = d < rank - normalized;
      (row ? rows : columns) *= tensor.size(static_cast<std::int64_t>(d));
      saved.push_back(row ? tensor.size(static_cast<std::int64_t>(d)) : 1);
    }
  }
  at::Tensor of(const at::Tensor& tensor) const { return tensor.reshape({rows, columns}); }
  /// The same with elements of a row side by side, as sums down the columns want them.
  at::Tensor packed(const at::Tensor& tensor) const {
    const at::Tensor flat = of(tensor);
    return columns <= 1 || flat.stride(1) == 1 ? flat : flat.contiguous();
  }
  at::Tensor column(const at::Tensor& tensor) const {
    return tensor.defined() ? tensor.reshape({columns}).contiguous() : tensor;
  }
};

void check_shape(Call& call, const at::Tensor& input, const std::vector<std::int64_t>& shape) {
  const bool fits =
      static_cast<std::int64_t>(shape.size()) <= input.dim() &&
      input.sizes().slice(static_cast<std::size_t>(input.dim()) - shape.size()) == at::IntArrayRef(shape);
  TORCH_CHECK(fits, "aten::", call.row().names, ": Given normalized_shape=", shape,
              ", expected input with shape [*, ", shape, "], but got input of size ", input.sizes());
}

/// native_layer_norm(input, normalized_shape, weight, bias, eps); _fused_rms_norm(input, normalized_shape,
/// weight, eps)
template <bool centred>
Answer norm_forward(Call& call) {
  const at::Tensor input = call.tensor(0);
  const std::vector<std::int64_t> shape = call.integers(1);
  const std::size_t last = centred ? 4 : 3;
  if (!is_arithmetic(input)) return call.refuse_type(0);
  for (std::size_t i = 2; i < last; ++i)
    if (!call.none(i) && !is_arithmetic(call.tensor(i))) return call.refuse_type(i);
  check_shape(call, input, shape);
  const AsRows as(input, shape.size());
  const at::Tensor out = make(input.sizes(), input.scalar_type(), input.device());
  const at::Tensor mean = centred ? make(as.saved, at::kFloat, input.device()) : at::Tensor();
  const at::Tensor rstd = make(as.saved, at::kFloat, input.device());
  if (input.numel() > 0) {
    const at::Tensor rows = as.of(input), weight = as.column(call.tensor(2)),
                     bias = centred ? as.column(call.tensor(3)) : at::Tensor();
    const MaybeView w(weight), b(bias), m(centred ? mean.view({as.rows}) : mean), r(rstd.view({as.rows}));
    const View to = view_of(out.view({as.rows, as.columns}));
    const double epsilon = call.real_or(last, static_cast<double>(std::numeric_limits<float>::epsilon()));
    const Here here(input.device());
    call.check(centred ? layer_norm(view_of(rows), w.get(), b.get(), epsilon, to, m.get(), r.get(), here)
                       : rms_norm(view_of(rows), w.get(), epsilon, to, r.get(), here));
  }
  return centred ? call.give({out, mean, rstd}) : call.give({out, rstd});
}

/// native_layer_norm_backward(grad_out, input, normalized_shape, mean, rstd, weight, bias, output_mask)
/// _fused_rms_norm_backward(grad_out, input, normalized_shape, rstd, weight, output_mask)
template <bool centred>
Answer norm_backward(Call& call) {
  constexpr std::size_t kRstd = centred ? 4 : 3, kWeight = centred ? 5 : 4, kMask = centred ? 7 : 5;
  const at::Tensor grad = call.tensor(0), input = call.tensor(1), weight = call.tensor(kWeight);
  if (!is_arithmetic(grad)) return call.refuse_type(0);
  if (!is_arithmetic(input)) return call.refuse_type(1);
  const AsRows as(input, call.integers(2).size());
  const auto wanted = call.arg(kMask).toBoolList();
  const at::Tensor rows = as.packed(input), grads = as.packed(grad), column = as.column(weight);
  const at::Tensor mean = centred ? call.tensor(3).reshape({as.rows}).contiguous() : at::Tensor();
  const at::Tensor rstd = call.tensor(kRstd).reshape({as.rows}).contiguous();
  const MaybeView m(mean), w(column);
  const Here here(grad.device());
  at::Tensor to_input, to_weight, to_bias;
  if (wanted[0]) {
    to_input = make(input.sizes(), input.scalar_type(), input.device());
    if (input.numel() > 0)
      call.check(norm_backward_input(view_of(grads), view_of(rows), m.get(), view_of(rstd), w.get(),
                                     view_of(to_input.view({as.rows, as.columns})), here));
  }
  const bool affine = weight.defined();
  if (affine && wanted[1]) to_weight = make(weight.sizes(), weight.scalar_type(), weight.device());
  if (centred && wanted[2])
    to_bias = make(at::IntArrayRef(call.integers(2)), affine ? weight.scalar_type() : input.scalar_type(),
                   input.device());
  if (to_weight.defined() || to_bias.defined()) {
    const MaybeView gw(to_weight.defined() ? to_weight.view({as.columns}) : to_weight),
        gb(to_bias.defined() ? to_bias.view({as.columns}) : to_bias);
    call.check(norm_backward_columns(view_of(grads), view_of(rows), m.get(), view_of(rstd), gw.get(),
                                     gb.get(), here));
  }
  return centred ? call.give({to_input, to_weight, to_bias}) : call.give({to_input, to_weight});
}

/// rms_norm(input, normalized_shape, weight, eps): torch fuses it on CUDA alone; here both devices take the
/// fused one.
Answer rms_norm_above(Call& call) {
  const at::Tensor input = call.tensor(0), weight = call.tensor(2);
  const std::vector<std::int64_t> shape = call.integers(1);
  const std::optional<double> epsilon = call.none(3) ? std::nullopt : std::optional(call.real(3));
  check_shape(call, input, shape);
  return call.give(std::get<0>(
      at::_fused_rms_norm(input, shape, weight.defined() ? std::optional(weight) : std::nullopt, epsilon)));
}

/// [M, C] or [C], or with more dimensions behind the classes: rows of classes.
at::Tensor class_rows(const at::Tensor& self) {
  if (self.dim() <= 2) return self.dim() == 2 ? self : self.unsqueeze(0);
  return self.movedim(1, -1).reshape({-1, self.size(1)});
}

/// nll_loss_forward(self, target, weight, reduction, ignore_index), and nll_loss2d_forward
Answer nll_forward(Call& call) {
  const at::Tensor self = call.tensor(0), target = call.tensor(1);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  if (target.scalar_type() != at::kLong) return call.refuse_type(1, "int64");
  if (call.targets() > 0) return call.refuse("the out form is not covered");
  const std::int64_t reduction = call.integer(3);
  const at::Tensor rows = class_rows(self), targets = target.reshape({-1});
  TORCH_CHECK(rows.size(0) == targets.size(0), "nll_loss: expected a target for each of ", rows.size(0),
              " rows, found ", targets.size(0));
  at::Tensor weight = call.tensor(2);
  if (weight.defined()) weight = weight.to(at::kFloat).contiguous();
  const at::Tensor out =
      make(reduction == 0 ? target.sizes() : at::IntArrayRef(), self.scalar_type(), self.device());
  const at::Tensor total = make({}, at::kFloat, self.device());
  const MaybeView w(weight);
  const Here here(self.device());
  call.check(nll_loss(view_of(rows), view_of(targets), w.get(), static_cast<LossReduction>(reduction),
                      call.integer(4), view_of(reduction == 0 ? out.view({-1}) : out), view_of(total), here));
  return call.give({out, total});
}

/// nll_loss_backward(grad_output, self, target, weight, reduction, ignore_index, total_weight)
Answer nll_backward(Call& call) {
  const at::Tensor grad = call.tensor(0), self = call.tensor(1), target = call.tensor(2);
  if (!is_arithmetic(grad)) return call.refuse_type(0);
  if (!is_arithmetic(self)) return call.refuse_type(1);
  if (target.scalar_type() != at::kLong) return call.refuse_type(2, "int64");
  if (call.targets() > 0) return call.refuse("the grad_input form is not covered");
  const std::int64_t reduction = call.integer(4);
  at::Tensor weight = call.tensor(3);
  if (weight.defined()) weight = weight.to(at::kFloat).contiguous();
  const std::int64_t classes = self.size(self.dim() == 1 ? 0 : 1);
  at::Tensor rows = make({target.numel(), classes}, self.scalar_type(), self.device());
  const at::Tensor grads = reduction == 0 ? grad.reshape({-1}) : grad;
  const MaybeView w(weight);
  const Here here(self.device());
  call.check(nll_loss_backward(view_of(grads), view_of(target.reshape({-1})), w.get(),
                               static_cast<LossReduction>(reduction), call.integer(5),
                               view_of(call.tensor(6).to(at::kFloat)), view_of(rows), here));
  if (self.dim() == 1) return call.give(rows.view({classes}));
  if (self.dim() == 2) return call.give(rows);
  at::DimVector sizes(target.sizes());
  sizes.push_back(classes);
  return call.give(rows.view(sizes).movedim(-1, 1).contiguous());
}

/// Whether a call of cross_entropy_loss can read the logits once: plain rows and class numbers, and nobody
/// who asks for a derivative.
bool reads_once(Call& call) {
  const at::Tensor self = call.tensor(0), target = call.tensor(1), weight = call.tensor(2);
  if (at::isTensorSubclassLike(self) || at::isTensorSubclassLike(target) || call.real(5) != 0) return false;
  if (!is_arithmetic(self) || target.scalar_type() != at::kLong) return false;
  // Autocast takes log_softmax and nll_loss in fp32 on CUDA, not the operator that calls them.
  if (self.scalar_type() != at::kFloat && at::autocast::is_autocast_enabled(self.device().type()))
    return false;
  if (self.dim() != 2 || target.dim() != 1 || self.size(0) != target.size(0) || self.numel() == 0)
    return false;
  if (self.device() != target.device() || (c10::GradMode::is_enabled() && self.requires_grad())) return false;
  return !weight.defined() && !self._fw_grad(0).defined();
}

/// cross_entropy_loss(self, target, weight, reduction, ignore_index, label_smoothing): the bits of
/// log_softmax followed by nll_loss (R7.4; of bf16 with the first one's rounding), without the first one's
/// result in memory.
Answer cross_entropy_above(Call& call) {
  if (!reads_once(call)) return Answer::aten;
  const at::Tensor self = call.tensor(0), target = call.tensor(1);
  const std::int64_t reduction = call.integer(3), rows = self.size(0);
  const at::Tensor losses = make({rows}, at::kFloat, self.device()),
                   kept = make({2, rows}, at::kFloat, self.device());
  const Here here(self.device());
  call.check(cross_entropy(view_of(self), view_of(target), nullptr, call.integer(4), view_of(losses),
                           view_of(kept[0]), view_of(kept[1]), here, true));
  if (reduction == 0) return call.give(losses.to(self.scalar_type()));
  const at::Tensor out = make({}, self.scalar_type(), self.device()),
                   total = make({}, at::kFloat, self.device());
  call.check(finish_loss(view_of(losses), view_of(target), nullptr, self.size(1),
                         static_cast<LossReduction>(reduction), call.integer(4), view_of(out), view_of(total),
                         here));
  return call.give(out);
}

/// max.dim, min.dim (self, dim, keepdim) -> values, indices
template <Exact op>
Answer extreme_along(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!type_of(self.scalar_type()) || self.is_complex() || self.scalar_type() == at::kDouble)
    return call.refuse_type(0, "float32, bfloat16 or integers");
  const std::int64_t dim = wrapped(self, call.integer(1));
  at::DimVector sizes(self.sizes());
  if (!sizes.empty()) {
    if (call.flag(2))
      sizes[static_cast<std::size_t>(dim)] = 1;
    else
      sizes.erase(sizes.begin() + dim);
  }
  const at::Tensor values =
      result_for(call.targets() ? call.target(0) : at::Tensor(), sizes, self.scalar_type(), self.device());
  const at::Tensor indices =
      result_for(call.targets() ? call.target(1) : at::Tensor(), sizes, at::kLong, self.device());
  const Here here(self.device());
  const View value = view_of(values), index = view_of(indices);
  call.check(reduce_exact(op, view_of(self), self.dim() ? std::uint64_t{1} << dim : 0, &value, &index, here));
  return call.give({values, indices});
}

/// argmax, argmin (self, dim, keepdim)
template <Exact op>
Answer position(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!type_of(self.scalar_type()) || self.is_complex() || self.scalar_type() == at::kDouble)
    return call.refuse_type(0, "float32, bfloat16 or integers");
  at::DimVector sizes;
  std::uint64_t dims = 0;
  const std::int64_t dim = call.none(1) ? -1 : wrapped(self, call.integer(1));
  for (std::int64_t d = 0; d < self.dim(); ++d) {
    const bool gone = call.none(1) || d == dim;
    if (gone) dims |= std::uint64_t{1} << d;
    if (!gone || call.flag(2)) sizes.push_back(gone ? 1 : self.size(d));
  }
  const at::Tensor indices = result_for(call.target(), sizes, at::kLong, self.device());
  const Here here(self.device());
  const View index = view_of(indices);
  call.check(reduce_exact(op, view_of(self), dims, nullptr, &index, here));
  return call.give(indices);
}

constexpr Row row(const char* names, Handler run, const char* rule) {
  return {names, Level::under, run, "", rule};
}

constexpr Row kRows[] = {
    row("_softmax _softmax.out", softmax_forward<false>, "softmax"),
    row("_log_softmax _log_softmax.out", softmax_forward<true>, "softmax"),
    row("_softmax_backward_data _softmax_backward_data.out", softmax_gradient<false>, "softmax"),
    row("_log_softmax_backward_data _log_softmax_backward_data.out", softmax_gradient<true>, "softmax"),
    row("native_layer_norm", norm_forward<true>, "norms"),
    row("native_layer_norm_backward", norm_backward<true>, "norms"),
    row("_fused_rms_norm", norm_forward<false>, "norms"),
    row("_fused_rms_norm_backward", norm_backward<false>, "norms"),
    {"rms_norm", Level::above, rms_norm_above, "", "norms"},
    {"cross_entropy_loss", Level::above, cross_entropy_above, "", "losses"},
    row("nll_loss_forward nll_loss2d_forward", nll_forward, "losses"),
    row("nll_loss_backward nll_loss2d_backward", nll_backward, "losses"),
    row("max.dim max.dim_max", extreme_along<Exact::max>, "R4"),
    row("min.dim min.dim_min", extreme_along<Exact::min>, "R4"),
    row("argmax argmax.out", position<Exact::max>, "R4"),
    row("argmin argmin.out", position<Exact::min>, "R4"),
};

}  // namespace

std::span<const Row> rows_fused() { return kRows; }

}  // namespace assay::kernels::aten
