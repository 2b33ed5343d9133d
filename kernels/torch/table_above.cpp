// In autograd's place, for both devices: what torch does one way on the CPU and another on CUDA. Each is a
// composite of operators of the other tables, so its derivative is made of theirs. And the optimizers that
// touch many tensors at once: each tensor by itself.
#include <ATen/TensorOperators.h>
#include <ATen/ops/_scaled_dot_product_attention_math.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/amin.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <algorithm>
#include <bit>
#include <c10/core/GradMode.h>
#include <cmath>

#include "kernels/core/kept.hpp"
#include "kernels/optim/optim.hpp"
#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

/// scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, *, scale, enable_gqa):
/// products, softmax, product.
Answer attention(Call& call) {
  const at::Tensor mask = call.tensor(3);
  const std::optional<double> scale = call.none(6) ? std::nullopt : std::optional(call.real(6));
  return call.give(std::get<0>(at::_scaled_dot_product_attention_math(
      call.tensor(0), call.tensor(1), call.tensor(2), mask.defined() ? std::optional(mask) : std::nullopt,
      call.real(4), call.flag(5), std::nullopt, scale, call.flag(7))));
}

/// One value a channel (dimension 1), to stand beside a tensor of `rank` dimensions.
at::Tensor beside(const at::Tensor& channels, std::int64_t rank) {
  at::DimVector sizes(static_cast<std::size_t>(rank), 1);
  sizes[1] = -1;
  return channels.to(at::kFloat).reshape(sizes);
}

/// batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled), in
/// fp32, rounded once: (x - mean) * (1 / sqrt(var + eps)) * weight + bias.
Answer batch_norm(Call& call) {
  const at::Tensor input = call.tensor(0), running_mean = call.tensor(3), running_var = call.tensor(4);
  if (!is_arithmetic(input)) return call.refuse_type(0);
  const std::int64_t rank = input.dim();
  TORCH_CHECK(rank >= 2, "batch_norm: expected at least 2 dimensions, found ", rank);
  const bool training = call.flag(5);
  TORCH_CHECK(training || (running_mean.defined() && running_var.defined()),
              "Expected running_mean and running_var to be defined when training=False");
  at::DimVector dims{0};
  for (std::int64_t d = 2; d < rank; ++d) dims.push_back(d);
  const at::Tensor x = input.to(at::kFloat);
  at::Tensor mean, var;
  if (training) {
    mean = x.mean(dims, true);
    const at::Tensor apart = x - mean;
    var = (apart * apart).mean(dims, true);
    const c10::NoGradGuard guard;
    const double n = static_cast<double>(input.numel()) / static_cast<double>(input.size(1)),
                 momentum = call.real(6);
    if (running_mean.defined()) running_mean.mul_(1 - momentum).add_(mean.reshape(-1), momentum);
    if (running_var.defined()) running_var.mul_(1 - momentum).add_(var.reshape(-1) * (n / (n - 1)), momentum);
  } else {
    mean = beside(running_mean, rank);
    var = beside(running_var, rank);
  }
  at::Tensor y = (x - mean) * (var + call.real(7)).sqrt().reciprocal();
  if (call.tensor(1).defined()) y = y * beside(call.tensor(1), rank);
  if (call.tensor(2).defined()) y = y + beside(call.tensor(2), rank);
  return call.give(y.to(input.scalar_type()));
}

/// group_norm(input, num_groups, weight, bias, eps, cudnn_enabled): the norm of each group's row, then the
/// channel's weight and bias.
Answer group_norm(Call& call) {
  const at::Tensor input = call.tensor(0);
  if (!is_arithmetic(input)) return call.refuse_type(0);
  const std::int64_t groups = call.integer(1);
  TORCH_CHECK(input.dim() >= 2 && groups > 0 && input.size(1) % groups == 0,
              "group_norm: expected channels divisible by ", groups, ", found input of size ", input.sizes());
  if (input.numel() == 0) return call.refuse("argument 'input': expected elements, found none");
  const at::Tensor rows = input.to(at::kFloat).reshape({input.size(0) * groups, -1});
  at::Tensor y = at::layer_norm(rows, {rows.size(1)}, {}, {}, call.real(4), false).reshape(input.sizes());
  if (call.tensor(2).defined()) y = y * beside(call.tensor(2), input.dim());
  if (call.tensor(3).defined()) y = y + beside(call.tensor(3), input.dim());
  return call.give(y.to(input.scalar_type()));
}

/// max and min of all elements: the gradient is shared evenly among the equal ones, and +0 elsewhere.
template <bool largest>
Answer extreme(Call& call) {
  const at::Tensor self = call.tensor(0);
  // The largest float64 is exact, too (tensors are printed by it); its gradient is not covered.
  if (call.all_exact() || (self.scalar_type() == at::kDouble && !self.requires_grad())) return Answer::aten;
  if (!is_arithmetic(self)) return call.refuse_type(0);
  TORCH_CHECK(self.numel() > 0, "max(): Expected reduction dim to be specified for input.numel() == 0");
  const auto value_of = [](const at::Tensor& t) { return largest ? at::amax(t, {}) : at::amin(t, {}); };
  if (!self.requires_grad() || !c10::GradMode::is_enabled()) return call.give(value_of(self));
  const at::Tensor value = value_of(self.detach());
  const at::Tensor mask =
      self.detach().eq(value).logical_or_(self.detach().isnan().logical_and(value.isnan()));
  // Its gradient is what is wanted; its value, a sum that may round, is replaced.
  const at::Tensor shared = at::where(mask, self, at::zeros_like(self.detach())).sum() / mask.sum();
  shared.variable_data().copy_(value);
  return call.give(shared);
}

/// glu(self, dim): the first half times the sigmoid of the second.
Answer glu(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  const std::vector<at::Tensor> halves = self.chunk(2, call.integer(1));
  TORCH_CHECK(halves.size() == 2 && halves[0].sizes() == halves[1].sizes(),
              "Halving dimension must be even, found size ", self.size(call.integer(1)));
  return call.give(halves[0] * halves[1].sigmoid());
}

/// _prelu_kernel(self, weight)
Answer prelu(Call& call) {
  const at::Tensor self = call.tensor(0), weight = call.tensor(1);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  return call.give(at::where(self.detach() > 0, self, self * weight));
}

Answer trace(Call& call) {
  TORCH_CHECK(call.tensor(0).dim() == 2, "trace: expected a matrix, but got tensor with dim ",
              call.tensor(0).dim());
  return call.give(call.tensor(0).diagonal().sum());
}

/// unfold_backward(grad_in, input_sizes, dim, size, step): from +0, window after window.
Answer unfold_backward(Call& call) {
  const at::Tensor grad = call.tensor(0);
  if (!is_arithmetic(grad)) return call.refuse_type(0);
  const std::vector<std::int64_t> sizes = call.integers(1);
  const std::int64_t dim = call.integer(2), size = call.integer(3), step = call.integer(4);
  const at::Tensor out = make(sizes, grad.scalar_type(), grad.device());
  out.zero_();
  const std::int64_t along = dim < 0 ? dim + static_cast<std::int64_t>(sizes.size()) : dim;
  for (std::int64_t w = 0; !sizes.empty() && w < grad.size(along); ++w)
    out.narrow(along, w * step, size).add_(grad.select(along, w).movedim(-1, along));
  return call.give(out);
}

/// The gradient of a padding that repeats elements: each padded position's is added, in ascending order, to
/// the element that it shows.
template <bool reflects, std::size_t spatial>
Answer padding_backward(Call& call) {
  at::Tensor grad = call.tensor(0);
  const at::Tensor self = call.tensor(1);
  if (!is_arithmetic(grad)) return call.refuse_type(0);
  if (call.targets() > 0) return call.refuse("the grad_input form is not covered");
  const std::vector<std::int64_t> padding = call.integers(2);
  for (std::size_t d = 0; d < spatial; ++d) {
    const std::int64_t dim = self.dim() - 1 - static_cast<std::int64_t>(d), n = self.size(dim);
    std::vector<std::int64_t> shows(static_cast<std::size_t>(grad.size(dim)));
    for (std::size_t i = 0; i < shows.size(); ++i) {
      std::int64_t at = static_cast<std::int64_t>(i) - padding[2 * d];
      if (reflects) at = at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at;
      shows[i] = at < 0 ? 0 : at >= n ? n - 1 : at;
    }
    const at::Tensor index = at::tensor(shows).to(grad.device());
    at::DimVector sizes(grad.sizes());
    sizes[static_cast<std::size_t>(dim)] = n;
    const at::Tensor whole = make(sizes, grad.scalar_type(), grad.device());
    grad = whole.zero_().index_add(dim, index, grad);
  }
  return call.give(grad);
}

/// Each tensor by itself, through the dispatcher, as torch does it where it has no kernel for lists.
Answer parts(Call&) { return Answer::parts; }

/// What one launch updates: tensors of one type and layout, which lie whole on one device.
bool goes_together(const at::Tensor& weight, const at::Tensor& other) {
  return other.scalar_type() == weight.scalar_type() && other.device() == weight.device() &&
         other.sizes() == weight.sizes() && other.layout() == at::kStrided;
}

/// What counts the steps of a list of tensors on a GPU, so that each is counted on from the one before.
AdamClock* clock_of(const AdamOptions& options, const at::Tensor& step) {
  if (!step.is_cuda()) return nullptr;
  const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
  const KeptKey key{
      KeptKey::Owner::clocks,
      {reinterpret_cast<std::uintptr_t>(step.const_data_ptr()), bits(options.beta1), bits(options.beta2)}};
  return static_cast<AdamClock*>(kept_on_device(key, sizeof(AdamClock), [](void* clock, const Place& place) {
    return adam_start(static_cast<AdamClock*>(clock), place);
  }));
}

/// Tensors [begin, end) in one call: each is at the step that its own tensor says.
void adam_together(Call& call, const AdamOptions& options, std::size_t begin, std::size_t end) {
  const auto weights = call.tensors(0), grads = call.tensors(1), first = call.tensors(2),
             second = call.tensors(3), most = call.tensors(4);
  std::vector<at::Tensor> steps = call.tensors(5);
  const at::Tensor counted = steps[begin];
  std::vector<View> largest;
  for (std::size_t i = begin; i < end; ++i) {
    largest.push_back(options.amsgrad ? view_of(most[i]) : View{});
    steps[i] = steps[i].to(weights[i].device());
  }
  std::vector<AdamTensor> tensors;
  for (std::size_t i = begin; i < end; ++i)
    tensors.push_back({view_of(weights[i]), view_of(grads[i]), view_of(first[i]), view_of(second[i]),
                       options.amsgrad ? &largest[i - begin] : nullptr, nullptr,
                       steps[i].const_data_ptr<float>()});
  const Here here(weights[begin].device());
  call.check(adam_step_at(tensors.data(), static_cast<int>(tensors.size()), options,
                          clock_of(options, counted), here));
}

/// What the fused optimizers share, by position: self, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs,
/// state_steps, lr, beta1, beta2, weight_decay, eps, amsgrad, maximize, grad_scale, found_inf.
template <bool decoupled>
Answer adam(Call& call) {
  if (!call.none(13) || !call.none(14))
    return call.refuse("arguments 'grad_scale' and 'found_inf': expected None");
  const auto weights = call.tensors(0), grads = call.tensors(1), first = call.tensors(2),
             second = call.tensors(3), most = call.tensors(4), steps = call.tensors(5);
  const double lr = call.arg(6).isTensor() ? call.tensor(6).item().toDouble() : call.real(6);
  const double beta1 = call.real(7), beta2 = call.real(8), decay = call.real(9), eps = call.real(10);
  const bool amsgrad = call.flag(11), maximize = call.flag(12);
  const AdamOptions options{lr, beta1, beta2, eps, decay, decoupled, amsgrad, maximize};
  const auto plain = [&](std::size_t i) {
    const at::Tensor& w = weights[i];
    return is_arithmetic(w) && w.numel() > 0 && goes_together(w, grads[i]) && goes_together(w, first[i]) &&
           goes_together(w, second[i]) && (!amsgrad || goes_together(w, most[i])) &&
           steps[i].scalar_type() == at::kFloat && steps[i].numel() == 1;
  };
  for (std::size_t i = 0; i < weights.size(); ++i) {
    std::size_t end = i;
    while (end < weights.size() && plain(end) && weights[end].device() == weights[i].device()) ++end;
    if (end > i) {
      adam_together(call, options, i, end);
      i = end - 1;
      continue;
    }
    double power1 = 1, power2 = 1;
    const double step = steps[i].item().toDouble();
    for (double s = 0; s < step; ++s) {
      power1 *= beta1;
      power2 *= beta2;
    }
    at::Tensor grad = maximize ? grads[i].neg() : grads[i];
    if (decay != 0 && decoupled) weights[i].mul_(1 - lr * decay);
    if (decay != 0 && !decoupled) grad = grad.add(weights[i], decay);
    first[i].lerp_(grad, 1 - beta1);
    second[i].mul_(beta2).addcmul_(grad, grad, 1 - beta2);
    if (amsgrad) most[i].copy_(at::maximum(most[i], second[i]));
    const at::Tensor root = (amsgrad ? most[i] : second[i]).sqrt().div_(std::sqrt(1 - power2)).add_(eps);
    weights[i].addcdiv_(first[i], root, -(lr / (1 - power1)));
  }
  return call.give({});
}

/// self, grads, momentum_buffer_list, weight_decay, momentum, lr, dampening, nesterov, maximize,
/// is_first_step, grad_scale, found_inf
Answer sgd(Call& call) {
  if (!call.none(10) || !call.none(11))
    return call.refuse("arguments 'grad_scale' and 'found_inf': expected None");
  const auto weights = call.tensors(0), grads = call.tensors(1), buffers = call.tensors(2);
  const double decay = call.real(3), momentum = call.real(4), dampening = call.real(6);
  const double lr = call.arg(5).isTensor() ? call.tensor(5).item().toDouble() : call.real(5);
  const bool nesterov = call.flag(7), maximize = call.flag(8), begins = call.flag(9);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    at::Tensor grad = maximize ? grads[i].neg() : grads[i];
    if (decay != 0) grad = grad.add(weights[i], decay);
    if (momentum != 0) {
      if (begins)
        buffers[i].copy_(grad);
      else
        buffers[i].mul_(momentum).add_(grad, 1 - dampening);
      grad = nesterov ? grad.add(buffers[i], momentum) : buffers[i];
    }
    weights[i].add_(grad, -lr);
  }
  return call.give({});
}

constexpr Row above(const char* names, Handler run, const char* rule) {
  return {names, Level::above, run, "", rule};
}
constexpr Row under(const char* names, Handler run, const char* rule) {
  return {names, Level::under, run, "", rule};
}

constexpr Row kRows[] = {
    above("scaled_dot_product_attention", attention, "composite of products and softmax"),
    above("batch_norm", batch_norm, "composite, in fp32"),
    above("group_norm", group_norm, "composite of layer norm"),
    above("max", extreme<true>, "R4"),
    above("min", extreme<false>, "R4"),
    above("glu", glu, "composite"),
    above("_prelu_kernel", prelu, "composite"),
    above("trace", trace, "R1"),
    under("unfold_backward", unfold_backward, "R4"),
    under("reflection_pad1d_backward", padding_backward<true, 1>, "R4"),
    under("reflection_pad2d_backward", padding_backward<true, 2>, "R4"),
    under("reflection_pad3d_backward", padding_backward<true, 3>, "R4"),
    under("replication_pad1d_backward", padding_backward<false, 1>, "R4"),
    under("replication_pad2d_backward", padding_backward<false, 2>, "R4"),
    under("replication_pad3d_backward", padding_backward<false, 3>, "R4"),
    under("native_dropout native_dropout_backward", parts, "ATen's own: made of operators of this table"),
    under("_fused_adamw_ _fused_adamw_.tensor_lr", adam<true>, "composite: the one-tensor form"),
    under("_fused_adam_ _fused_adam_.tensor_lr", adam<false>, "composite: the one-tensor form"),
    under("_fused_sgd_ _fused_sgd_.tensor_lr", sgd, "composite: the one-tensor form"),
    {"_safe_softmax binary_cross_entropy_with_logits _trilinear soft_margin_loss soft_margin_loss.out "
     "soft_margin_loss_backward soft_margin_loss_backward.grad_input",
     Level::left, nullptr, "", "ATen's own: made of operators of this table"},
};

}  // namespace

std::span<const Row> rows_above() { return kRows; }

/// Every operator over lists of tensors.
const Row& row_of_lists() {
  static const Row row = {"_foreach_*", Level::under, parts, "",
                          "each tensor by itself, by operators of this table"};
  return row;
}

}  // namespace assay::kernels::aten
