// Pointwise operators: ATen's arguments to the inputs and scalars of kernels/pointwise's table.
#include <ATen/ExpandUtils.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/hypot.h>
#include <ATen/ops/view_as_complex.h>
#include <ATen/ops/view_as_real.h>
#include <cmath>
#include <limits>

#include "kernels/torch/elementwise.hpp"
#include "kernels/torch/tables.hpp"

namespace assay::kernels::aten {

namespace {

float as_float(double x) { return static_cast<float>(x); }

/// Leading tensors are the inputs, the numbers after them the scalars, in the schema's order.
Answer run(Call& call, bool floats) {
  std::vector<const at::Tensor*> inputs;
  std::vector<float> scalars;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    const c10::IValue& value = call.arg(i);
    if (value.isTensor())
      inputs.push_back(&value.toTensor());
    else if (value.isScalar() || value.isBool())
      scalars.push_back(as_float(call.real(i)));
  }
  const Promotion promotion = promote(call, inputs, floats);
  if (promotion.answer) return *promotion.answer;
  return run_elementwise(call, static_cast<Op>(call.which()), inputs, scalars, promotion.type);
}
Answer keeping(Call& call) { return run(call, false); }
Answer floating(Call& call) { return run(call, true); }

/// One tensor and the scalars given.
Answer one(Call& call, const char* kernel, std::initializer_list<float> scalars, bool floats) {
  const at::Tensor* inputs[] = {&call.tensor(0)};
  const Promotion promotion = promote(call, inputs, floats);
  if (promotion.answer) return *promotion.answer;
  return run_elementwise(call, find_op(kernel), inputs, std::span(scalars.begin(), scalars.size()),
                         promotion.type);
}

Answer two(Call& call, const char* kernel, const at::Tensor& a, const at::Tensor& b,
           std::initializer_list<float> scalars) {
  const at::Tensor* inputs[] = {&a, &b};
  const Promotion promotion = promote(call, inputs, true);
  if (promotion.answer) return *promotion.answer;
  return run_elementwise(call, find_op(kernel), inputs, std::span(scalars.begin(), scalars.size()),
                         promotion.type);
}

/// add, sub (with alpha), mul, div; a number on either side takes the form with a scalar.
enum class Basic { add, sub, rsub, mul, div };

/// Numbers and real tensors become complex ones; on CUDA a number is filled in, not copied.
at::Tensor as_complex(const at::Tensor& tensor, Call& call) {
  const c10::Device device =
      call.tensor(0).device().is_cpu() ? call.tensor(1).device() : call.tensor(0).device();
  if (tensor.scalar_type() == at::kComplexFloat && tensor.device() == device) return tensor;
  if (tensor.dim() == 0 && tensor.device().is_cpu())
    return make({}, at::kComplexFloat, device).fill_(tensor.item());
  return tensor.to(at::kComplexFloat);
}

/// Two complex64 tensors: four products, no fma.
Answer complex(Call& call, Basic kind) {
  const at::Tensor a = as_complex(call.tensor(0), call), b = as_complex(call.tensor(1), call);
  const bool alpha = kind != Basic::mul && kind != Basic::div;
  if (kind == Basic::div || kind == Basic::rsub || (alpha && call.real(2) != 1))
    return call.refuse("complex division, and sums with alpha, are not covered");
  const std::vector<std::int64_t> sizes = at::infer_size(a.sizes(), b.sizes());
  const at::Tensor target = call.target();
  if (target.defined() && target.scalar_type() != at::kComplexFloat)
    return call.refuse("output: expected complex64");
  const bool apart = target.defined() && (target.is_alias_of(a) || target.is_alias_of(b));
  at::Tensor out = result_for(apart ? at::Tensor() : target, sizes, at::kComplexFloat, a.device());
  const Here here(a.device());
  const View views[] = {view_of(a.resolve_conj(), sizes), view_of(b.resolve_conj(), sizes)};
  const ComplexOp op = kind == Basic::mul   ? ComplexOp::mul
                       : kind == Basic::add ? ComplexOp::add
                                            : ComplexOp::sub;
  call.check(complex_pointwise(op, views, view_of(out), here));
  if (apart) out = target.copy_(out);
  return call.give(out);
}

template <Basic kind>
Answer basic(Call& call) {
  static const Op whole = find_op(kind == Basic::add   ? "add"
                                  : kind == Basic::mul ? "mul"
                                  : kind == Basic::div ? "div"
                                                       : "sub");
  static const Op right = find_op(kind == Basic::add   ? "add_scalar"
                                  : kind == Basic::mul ? "mul_scalar"
                                  : kind == Basic::div ? "div_scalar"
                                                       : "sub_scalar");
  static const Op left = find_op(kind == Basic::mul   ? "mul_scalar"
                                 : kind == Basic::div ? "div_into"
                                                      : "rsub_scalar");
  constexpr bool has_alpha = kind == Basic::add || kind == Basic::sub || kind == Basic::rsub;
  const at::Tensor* inputs[] = {&call.tensor(kind == Basic::rsub ? 1 : 0),
                                &call.tensor(kind == Basic::rsub ? 0 : 1)};
  const bool cuda = call.cuda();
  const bool left_number = is_number(*inputs[0], cuda), right_number = is_number(*inputs[1], cuda);
  const Promotion promotion = promote(call, inputs, kind == Basic::div);
  if (promotion.type == at::kComplexFloat) return complex(call, kind);
  // One float64 operation on two tensors is IEEE's on both devices (beside a number CUDA multiplies by its
  // reciprocal).
  const bool plain = !has_alpha || call.real(2) == 1;
  if (promotion.type == at::kDouble && plain && !left_number && !right_number) return Answer::aten;
  if (promotion.answer) return *promotion.answer;
  const float alpha = has_alpha ? as_float(call.real(2)) : 1;
  const std::span<const at::Tensor* const> all(inputs);
  if (right_number && !left_number) {
    const float scalars[] = {as_float(number_of(*inputs[1])), alpha};
    return run_elementwise(call, right, all.first(1), std::span(scalars, has_alpha ? 2 : 1), promotion.type);
  }
  if (left_number && !right_number && kind != Basic::add) {
    const float scalars[] = {as_float(number_of(*inputs[0])), alpha};
    return run_elementwise(call, left, all.last(1), std::span(scalars, has_alpha ? 2 : 1), promotion.type);
  }
  return run_elementwise(call, whole, inputs, std::span(&alpha, has_alpha ? 1 : 0), promotion.type);
}

/// div with a rounding mode: trunc or floor of the rounded quotient; "floor" is ATen's floor_divide too.
Answer div_mode(Call& call) {
  if (call.none(2)) return basic<Basic::div>(call);
  const at::Tensor* inputs[] = {&call.tensor(0), &call.tensor(1)};
  const Promotion promotion = promote(call, inputs, false);
  if (promotion.answer) return *promotion.answer;
  const bool floor = call.arg(2).toStringRef() == "floor";
  return run_elementwise(call, find_op(floor ? "div_floor" : "div_trunc"), inputs, {}, promotion.type);
}

Answer gelu(Call& call) {
  return one(call, call.arg(1).toStringRef() == "tanh" ? "gelu_tanh" : "gelu", {}, true);
}
Answer gelu_backward(Call& call) {
  const bool tanh = call.arg(2).toStringRef() == "tanh";
  return two(call, tanh ? "gelu_tanh_backward" : "gelu_backward", call.tensor(0), call.tensor(1), {});
}

/// Either bound may be missing.
Answer clamp(Call& call) {
  const bool low = !call.none(1), high = !call.none(2);
  if (!low && !high) return Answer::aten;
  if (low && high) return one(call, "clamp_scalar", {as_float(call.real(1)), as_float(call.real(2))}, false);
  return low ? one(call, "clamp_min_scalar", {as_float(call.real(1))}, false)
             : one(call, "clamp_max_scalar", {as_float(call.real(2))}, false);
}

/// maximum and minimum with the bounds' elements: NaN from either side stays.
Answer clamp_tensor(Call& call) {
  const bool low = !call.none(1), high = !call.none(2);
  if (!low && !high) return Answer::aten;
  std::vector<const at::Tensor*> inputs = {&call.tensor(0)};
  if (low) inputs.push_back(&call.tensor(1));
  if (high) inputs.push_back(&call.tensor(2));
  const Promotion promotion = promote(call, inputs, false);
  if (promotion.answer) return *promotion.answer;
  const Op op = find_op(low && high ? "clamp" : low ? "maximum" : "minimum");
  return run_elementwise(call, op, inputs, {}, promotion.type);
}

Answer clamp_one_sided(Call& call) { return one(call, call.row().kernel, {as_float(call.real(1))}, false); }

/// R5 names these exponents; the others take the general power.
Answer pow_scalar(Call& call) {
  const double exponent = call.real(1);
  const bool integers = at::isIntegralType(call.tensor(0).scalar_type(), true);
  if (integers && call.arg(1).isInt()) return Answer::aten;
  const char* named = exponent == 2      ? "square"
                      : exponent == 3    ? "cube"
                      : exponent == 0.5  ? "sqrt"
                      : exponent == -1   ? "reciprocal"
                      : exponent == -2   ? "reciprocal_square"
                      : exponent == -0.5 ? "rsqrt"
                                         : nullptr;
  return named ? one(call, named, {}, true) : one(call, "pow_scalar", {as_float(exponent)}, true);
}

Answer pow_base(Call& call) {
  const at::Tensor* inputs[] = {&call.tensor(1)};
  const Promotion promotion = promote(call, inputs, call.arg(0).isDouble());
  if (promotion.answer) return *promotion.answer;
  const float base[] = {as_float(call.real(0))};
  return run_elementwise(call, find_op("pow_base"), inputs, base, promotion.type);
}

Answer logit(Call& call) { return one(call, "logit", {as_float(call.real_or(1, -1))}, true); }
Answer logit_backward(Call& call) {
  return two(call, "logit_backward", call.tensor(0), call.tensor(1), {as_float(call.real_or(2, -1))});
}

Answer nan_to_num(Call& call) {
  const bool narrow = call.tensor(0).scalar_type() == at::kBFloat16;
  const double most = narrow ? 3.3895313892515355e38 : static_cast<double>(std::numeric_limits<float>::max());
  return one(
      call, "nan_to_num",
      {as_float(call.real_or(1, 0)), as_float(call.real_or(2, most)), as_float(call.real_or(3, -most))},
      false);
}

/// elu_backward(grad_output, alpha, scale, input_scale, is_result, self_or_result)
Answer elu_backward(Call& call) {
  return two(call, call.flag(4) ? "elu_backward_result" : "elu_backward", call.tensor(0), call.tensor(5),
             {as_float(call.real(1)), as_float(call.real(2)), as_float(call.real(3))});
}

/// elu(x, alpha, 1, 1 / alpha), as ATen has it.
Answer celu(Call& call) {
  const double alpha = call.real(1);
  TORCH_CHECK(alpha != 0, "ZeroDivisionError: alpha cannot be 0 for CELU");
  return one(call, "elu", {as_float(alpha), 1, as_float(1 / alpha)}, true);
}

/// grad_output, self, a slope; self_is_result changes nothing, the signs are the same.
Answer leaky_relu_backward(Call& call) {
  return two(call, "leaky_relu_backward", call.tensor(0), call.tensor(1), {as_float(call.real(2))});
}

/// The buffer is ATen's on the CPU (and empty on CUDA): here it is empty on both.
Answer log_sigmoid_forward(Call& call) {
  const at::Tensor& self = call.tensor(0);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  at::Tensor out = at::Tensor(call.target());
  if (out.defined()) return call.refuse("the out form is not covered");
  const Answer answer = one(call, "log_sigmoid", {}, true);
  if (answer != Answer::done) return answer;
  return call.append(make({0}, self.scalar_type(), self.device()));
}
Answer log_sigmoid_backward(Call& call) {
  return two(call, "log_sigmoid_backward", call.tensor(0), call.tensor(1), {});
}

/// sgn and abs: of complex numbers by hypot and division of the parts.
Answer sign_of(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (self.scalar_type() != at::kComplexFloat || call.targets() > 0) return keeping(call);
  const at::Tensor parts = at::view_as_real(self.resolve_conj());
  const at::Tensor length = at::hypot(parts.select(-1, 0), parts.select(-1, 1)).unsqueeze(-1);
  return call.give(at::view_as_complex((parts / length).masked_fill(length == 0, 0)));
}
Answer magnitude_of(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (self.scalar_type() != at::kComplexFloat || call.targets() > 0) return keeping(call);
  const at::Tensor parts = at::view_as_real(self.resolve_conj());
  return call.give(at::hypot(parts.select(-1, 0), parts.select(-1, 1)));
}
Answer negated(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (self.scalar_type() != at::kComplexFloat || call.targets() > 0) return keeping(call);
  return call.give(at::view_as_complex(at::view_as_real(self.resolve_conj()).neg()));
}

/// polar.out(abs, angle, out)
Answer polar_out(Call& call) {
  const at::Tensor abs = call.tensor(0), angle = call.tensor(1);
  for (const std::size_t i : {0, 1})
    if (call.tensor(i).scalar_type() != at::kFloat) return call.refuse_type(i, "float32");
  const std::vector<std::int64_t> sizes = at::infer_size(abs.sizes(), angle.sizes());
  at::Tensor out = call.target();
  if (out.scalar_type() != at::kComplexFloat) return call.refuse("output: expected complex64");
  out = result_for(out, sizes, at::kComplexFloat, abs.device());
  const Here here(abs.device());
  call.check(polar(view_of(abs, sizes), view_of(angle, sizes), view_of(out), here));
  return call.give(out);
}

constexpr Row row(const char* names, Handler run, const char* kernel, const char* rule = "R6") {
  return {names, Level::under, run, kernel, rule};
}

#define ASSAY_FORMS(name) name " " name "_ " name ".out"
#define ASSAY_UNARY(name) row(ASSAY_FORMS(#name), floating, #name, "R5")

constexpr Row kRows[] = {
    row("add.Tensor add_.Tensor add.out", basic<Basic::add>, ""),
    row("sub.Tensor sub_.Tensor sub.out", basic<Basic::sub>, ""),
    row("mul.Tensor mul_.Tensor mul.out", basic<Basic::mul>, ""),
    row("div.Tensor div_.Tensor div.out", basic<Basic::div>, ""),
    row("div.Tensor_mode div_.Tensor_mode div.out_mode", div_mode, ""),
    row("floor_divide floor_divide.out", keeping, "div_floor"),
    row("fmod.Tensor fmod_.Tensor fmod.Tensor_out", keeping, "fmod"),
    row("remainder.Tensor remainder_.Tensor remainder.Tensor_out", keeping, "remainder"),
    row("maximum maximum.out", keeping, "maximum"),
    row("minimum minimum.out", keeping, "minimum"),
    row("fmax fmax.out", keeping, "fmax"),
    row("fmin fmin.out", keeping, "fmin"),
    row("atan2 atan2_ atan2.out", floating, "atan2"),
    row("hypot hypot_ hypot.out", floating, "hypot"),
    row("copysign.Tensor copysign_.Tensor copysign.out", floating, "copysign"),
    row("xlogy.Tensor xlogy_.Tensor xlogy.OutTensor", floating, "xlogy"),
    row("polar.out", polar_out, ""),
    {"polar", Level::left, nullptr, "", "ATen's own: made of operators of this table"},
    row("addcmul addcmul_ addcmul.out", keeping, "addcmul"),
    row("addcdiv addcdiv_ addcdiv.out", keeping, "addcdiv"),
    row("lerp.Scalar lerp_.Scalar lerp.Scalar_out", keeping, "lerp_scalar"),
    row("lerp.Tensor lerp_.Tensor lerp.Tensor_out", keeping, "lerp"),
    row("pow.Tensor_Scalar pow_.Scalar pow.Tensor_Scalar_out", pow_scalar, ""),
    row("pow.Tensor_Tensor pow_.Tensor pow.Tensor_Tensor_out", keeping, "pow"),
    row("pow.Scalar", pow_base, ""),

    row(ASSAY_FORMS("neg"), negated, "neg"),
    row(ASSAY_FORMS("abs"), magnitude_of, "abs"),
    row(ASSAY_FORMS("sign"), keeping, "sign"),
    row(ASSAY_FORMS("sgn"), sign_of, "sign"),
    row(ASSAY_FORMS("floor"), keeping, "floor"),
    row(ASSAY_FORMS("ceil"), keeping, "ceil"),
    row(ASSAY_FORMS("trunc"), keeping, "trunc"),
    row(ASSAY_FORMS("round"), keeping, "round"),
    row(ASSAY_FORMS("frac"), keeping, "frac"),
    row("relu relu_", keeping, "relu"),
    ASSAY_UNARY(reciprocal),
    ASSAY_UNARY(sqrt),
    ASSAY_UNARY(rsqrt),
    ASSAY_UNARY(exp),
    ASSAY_UNARY(exp2),
    ASSAY_UNARY(expm1),
    ASSAY_UNARY(log),
    ASSAY_UNARY(log2),
    ASSAY_UNARY(log10),
    ASSAY_UNARY(log1p),
    ASSAY_UNARY(sin),
    ASSAY_UNARY(cos),
    ASSAY_UNARY(tan),
    ASSAY_UNARY(asin),
    ASSAY_UNARY(acos),
    ASSAY_UNARY(atan),
    ASSAY_UNARY(sinh),
    ASSAY_UNARY(cosh),
    ASSAY_UNARY(tanh),
    ASSAY_UNARY(asinh),
    ASSAY_UNARY(acosh),
    ASSAY_UNARY(atanh),
    ASSAY_UNARY(sigmoid),
    ASSAY_UNARY(erf),
    ASSAY_UNARY(erfc),
    ASSAY_UNARY(erfinv),

    row("logit logit_ logit.out", logit, ""),
    row("nan_to_num nan_to_num_ nan_to_num.out", nan_to_num, ""),
    row("clamp clamp_ clamp.out", clamp, ""),
    row("clamp.Tensor clamp_.Tensor clamp.Tensor_out", clamp_tensor, ""),
    row("clamp_min clamp_min_ clamp_min.out", clamp_one_sided, "clamp_min_scalar"),
    row("clamp_max clamp_max_ clamp_max.out", clamp_one_sided, "clamp_max_scalar"),
    row("clamp_min.Tensor clamp_min_.Tensor clamp_min.Tensor_out", keeping, "maximum"),
    row("clamp_max.Tensor clamp_max_.Tensor clamp_max.Tensor_out", keeping, "minimum"),
    row("gelu gelu_ gelu.out", gelu, ""),
    row("silu silu_ silu.out", floating, "silu"),
    row("mish mish_ mish.out", floating, "mish"),
    row("softplus softplus.out", floating, "softplus"),
    row("elu elu_ elu.out", floating, "elu"),
    row("celu celu_", celu, ""),
    row("leaky_relu leaky_relu_ leaky_relu.out", keeping, "leaky_relu"),
    row("hardtanh hardtanh_ hardtanh.out", keeping, "clamp_scalar"),
    row("hardsigmoid hardsigmoid_ hardsigmoid.out", floating, "hardsigmoid"),
    row("hardswish hardswish_ hardswish.out", floating, "hardswish"),
    row("hardshrink hardshrink.out", floating, "hardshrink"),
    row("softshrink softshrink.out", floating, "softshrink"),
    row("threshold threshold_ threshold.out", keeping, "threshold"),
    row("log_sigmoid_forward", log_sigmoid_forward, ""),

    row("sigmoid_backward sigmoid_backward.grad_input", floating, "sigmoid_backward"),
    row("tanh_backward tanh_backward.grad_input", floating, "tanh_backward"),
    row("gelu_backward gelu_backward.grad_input", gelu_backward, ""),
    row("silu_backward silu_backward.grad_input", floating, "silu_backward"),
    row("mish_backward", floating, "mish_backward"),
    row("softplus_backward softplus_backward.grad_input", floating, "softplus_backward"),
    row("elu_backward elu_backward.grad_input", elu_backward, ""),
    row("leaky_relu_backward leaky_relu_backward.grad_input", leaky_relu_backward, ""),
    row("hardtanh_backward hardtanh_backward.grad_input", floating, "hardtanh_backward"),
    row("hardsigmoid_backward hardsigmoid_backward.grad_input", floating, "hardsigmoid_backward"),
    row("hardswish_backward", floating, "hardswish_backward"),
    row("hardshrink_backward hardshrink_backward.grad_input", floating, "hardshrink_backward"),
    row("softshrink_backward softshrink_backward.grad_input", floating, "hardshrink_backward"),
    row("threshold_backward threshold_backward.grad_input", floating, "threshold_backward"),
    row("logit_backward logit_backward.grad_input", logit_backward, ""),
    row("log_sigmoid_backward log_sigmoid_backward.grad_input", log_sigmoid_backward, ""),
};

}  // namespace

std::span<const Row> rows_pointwise() { return kRows; }

}  // namespace assay::kernels::aten
