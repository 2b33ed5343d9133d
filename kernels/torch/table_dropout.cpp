// dropout: one pass over the input, which keeps a mask for the derivative instead of the noise.
#include <ATen/TensorSubclassLikeUtils.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/torch/maybe_view.hpp"
#include "kernels/torch/streams.hpp"
#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// kept elements divided by fp32(1 - p), the form that torch has on the CPU: what transformed calls
/// (functorch, forward derivatives) and other types take, and what the pass below equals bit by bit.
at::Tensor in_steps(const at::Tensor& input, double p) {
  at::Tensor noise;
  {
    const Overwritten known;
    noise = at::empty_like(input);
  }
  noise.bernoulli_(1 - p).div_(1 - p);
  return input.mul(noise);
}

struct Dropped {
  at::Tensor out, kept;
};

/// `masked`: whether `kept` is wanted.
Dropped drop(const at::Tensor& input, double p, bool masked) {
  const Dropped result{make_like(input, input.scalar_type()),
                       masked ? make_like(input, at::kBool) : at::Tensor()};
  const Here here(input.device());
  RandomCall random(std::nullopt, input.device(), here);
  const MaybeView kept(result.kept);
  const Status status =
      random_dropout(view_of(input), p, view_of(result.out), kept.get(), random.state(), here, Noise::stored);
  TORCH_CHECK(status == Status::ok, "dropout: ", text_of(status));
  random.done();
  return result;
}

at::Tensor drop_backward(const at::Tensor& gradient_out, const at::Tensor& kept, double p) {
  const at::Tensor gradient = make_like(gradient_out, gradient_out.scalar_type());
  const Here here(kept.device());
  const Status status = random_dropout_backward(view_of(gradient_out), view_of(kept), p, view_of(gradient),
                                                here, Noise::stored);
  TORCH_CHECK(status == Status::ok, "dropout's derivative: ", text_of(status));
  return gradient;
}

/// Whether a tensor's memory is its values, and nobody but autograd's backward pass looks at what is
/// computed.
bool is_plain(const at::Tensor& tensor) {
  const auto keys = c10::impl::tls_local_dispatch_key_set().included_;
  return !keys.has(c10::DispatchKey::FuncTorchDynamicLayerFrontMode) && !at::isTensorSubclassLike(tensor) &&
         !tensor.is_neg() && !tensor._is_zerotensor() && !tensor._fw_grad(0).defined();
}

struct DropoutFunction : torch::autograd::Function<DropoutFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, double p) {
    Dropped result = drop(input, p, true);
    context->save_for_backward({result.kept});
    context->saved_data["p"] = p;
    return result.out;
  }
  static variable_list backward(AutogradContext* context, variable_list grads) {
    const at::Tensor kept = context->get_saved_variables()[0], &gradient = grads[0];
    const double p = context->saved_data["p"].toDouble();
    if (!c10::GradMode::is_enabled() && is_arithmetic(gradient) && is_plain(gradient))
      return {drop_backward(gradient, kept, p), at::Tensor()};
    return {gradient.mul(kept.to(gradient.scalar_type()).div_(1 - p)), at::Tensor()};
  }
};

Answer dropout(Call& call) {
  const at::Tensor input = call.tensor(0);
  const double p = call.real(1);
  TORCH_CHECK(p >= 0 && p <= 1, "dropout probability has to be between 0 and 1, but got ", p);
  if (p == 0 || !call.flag(2) || input.numel() == 0) return call.give(input);
  if (p == 1) return call.give(input.mul(at::zeros_like(input)));
  if (!is_arithmetic(input) || !is_plain(input)) return call.give(in_steps(input, p));
  if (c10::GradMode::is_enabled() && input.requires_grad())
    return call.give(DropoutFunction::apply(input, p));
  return call.give(drop(input, p, false).out);
}

constexpr Row kRows[] = {{"dropout", Level::above, dropout, "", "R6 random streams"}};

}  // namespace

std::span<const Row> rows_dropout() { return kRows; }

}  // namespace assay::kernels::aten
