// The one table of pointwise operators. A row: X(name, scalars, kind, contract paragraph, formula of one
// element). The formula is the rule: a, b, c are the inputs widened to fp32, s0 to s3 the scalars, every
// operation rounds once, in the written order. From it come the enum, the CPU loops, the CUDA kernels and the
// tests' reference.
#pragma once

#include <cstdint>

// clang-format off
#define ASSAY_POINTWISE_UNARY(X) \
  X(neg, 0, 0, "R5.2", math::negate(a))                                                                                                      \
  X(abs, 0, 0, "R5.2", math::magnitude(a))                                                                                                   \
  X(square, 0, 0, "R5.2", a * a)                                                                                                             \
  X(cube, 0, 0, "R5", (a * a) * a)                                                                                                           \
  X(reciprocal, 0, 0, "R5.2", 1.0f / a)                                                                                                      \
  X(reciprocal_square, 0, 0, "R5", 1.0f / (a * a))                                                                                           \
  X(sqrt, 0, 0, "R5", math::sqrt(a))                                                                                                         \
  X(rsqrt, 0, 0, "R5", 1.0f / math::sqrt(a))                                                                                                 \
  X(exp, 0, 2, "R5", math::exp_total(a))                                                                                                           \
  X(exp2, 0, 2, "R5", math::exp2_total(a))                                                                                                         \
  X(expm1, 0, 0, "R5", math::expm1(a))                                                                                                       \
  X(log, 0, 0, "R5", math::log(a))                                                                                                           \
  X(log2, 0, 0, "R5", math::log2(a))                                                                                                         \
  X(log10, 0, 0, "R5", math::log10(a))                                                                                                       \
  X(log1p, 0, 0, "R5", math::log1p(a))                                                                                                       \
  X(sin, 0, 0, "R5", math::sin(a))                                                                                                           \
  X(cos, 0, 0, "R5", math::cos(a))                                                                                                           \
  X(tan, 0, 0, "R5", math::tan(a))                                                                                                           \
  X(asin, 0, 0, "R5", math::asin(a))                                                                                                         \
  X(acos, 0, 0, "R5", math::acos(a))                                                                                                         \
  X(atan, 0, 0, "R5", math::atan(a))                                                                                                         \
  X(sinh, 0, 0, "R5", math::sinh(a))                                                                                                         \
  X(cosh, 0, 0, "R5", math::cosh(a))                                                                                                         \
  X(tanh, 0, 2, "R5", math::tanh_total(a))                                                                                                         \
  X(asinh, 0, 0, "R5", math::asinh(a))                                                                                                       \
  X(acosh, 0, 0, "R5", math::acosh(a))                                                                                                       \
  X(atanh, 0, 0, "R5", math::atanh(a))                                                                                                       \
  X(erf, 0, 2, "R5", math::erf_total(a))                                                                                                           \
  X(erfc, 0, 0, "R5", math::erfc(a))                                                                                                         \
  X(erfinv, 0, 0, "R5", math::erfinv(a))                                                                                                     \
  X(sigmoid, 0, 2, "R5", math::sigmoid_total(a))                                                                                                   \
  X(log_sigmoid, 0, 0, "R5.4", math::log_sigmoid(a))                                                                                         \
  X(relu, 0, 0, "R5.4", math::larger(a, 0.0f))                                                                                               \
  X(gelu, 0, 0, "R5.4", math::gelu(a))                                                                                                       \
  X(gelu_tanh, 0, 0, "R5.4", math::gelu_tanh(a))                                                                                             \
  X(silu, 0, 0, "R5.4", math::silu(a))                                                                                                       \
  X(mish, 0, 0, "R5.4", math::mish(a))                                                                                                       \
  X(softplus, 2, 0, "R5.4", math::softplus(a, s0, s1))  /* s0: beta, s1: threshold */                                                        \
  X(elu, 3, 0, "R5.4", math::elu(a, s0, s1, s2))  /* alpha, scale, input scale */                                                            \
  X(leaky_relu, 1, 0, "R5.4", a > 0.0f ? a : a * s0)                                                                                         \
  X(threshold, 2, 0, "R5.4", a <= s0 ? s1 : a)  /* s0: threshold, s1: value */                                                               \
  X(hardswish, 0, 0, "R5.4", math::hardswish(a))                                                                                             \
  X(hardsigmoid, 0, 0, "R5.4", math::hardsigmoid(a))                                                                                         \
  X(hardshrink, 1, 0, "R5.4", a >= -s0 && a <= s0 ? 0.0f : a)                                                                                \
  X(softshrink, 1, 0, "R5.4", a > s0 ? a - s0 : a < -s0 ? a + s0 : a * 0.0f)                                                                 \
  X(logit, 1, 0, "R5.4", math::logit(a, s0))  /* s0: eps; below 0: none */                                                                   \
  X(clamp_scalar, 2, 0, "R5.2", math::between(a, s0, s1))                                                                                    \
  X(clamp_min_scalar, 1, 0, "R5.2", math::larger(a, s0))                                                                                     \
  X(clamp_max_scalar, 1, 0, "R5.2", math::smaller(a, s0))                                                                                    \
  X(floor, 0, 0, "R5.2", math::floor(a))                                                                                                     \
  X(ceil, 0, 0, "R5.2", math::ceil(a))                                                                                                       \
  X(round, 0, 0, "R5.2", math::nearest(a))                                                                                                   \
  X(trunc, 0, 0, "R5.2", math::trunc(a))                                                                                                     \
  X(frac, 0, 0, "R5.2", a - math::trunc(a))                                                                                                  \
  X(sign, 0, 0, "R5.2", math::sign(a))                                                                                                       \
  X(nan_to_num, 3, 0, "R5.2", a != a ? s0 : a == math::infinity() ? s1 : a == -math::infinity() ? s2 : a)  /* s0: nan, s1: inf, s2: -inf */  \
  X(add_scalar, 2, 0, "R5.2", a + s1 * s0)  /* s0: other, s1: alpha */                                                                       \
  X(sub_scalar, 2, 0, "R5.2", a - s1 * s0)                                                                                                   \
  X(rsub_scalar, 2, 0, "R5.2", s0 - s1 * a)                                                                                                  \
  X(mul_scalar, 1, 0, "R5.2", a * s0)                                                                                                        \
  X(div_scalar, 1, 0, "R5.2", a / s0)                                                                                                        \
  X(div_into, 1, 0, "R5.2", s0 / a)  /* a scalar divided by a tensor */                                                                      \
  X(div_floor_scalar, 1, 0, "R5.2", math::floor_divide(a, s0))                                                                               \
  X(div_trunc_scalar, 1, 0, "R5.2", math::trunc(a / s0))                                                                                     \
  X(fmod_scalar, 1, 0, "R5.2", math::fmod(a, s0))                                                                                            \
  X(remainder_scalar, 1, 0, "R5.2", math::remainder(a, s0))                                                                                  \
  X(remainder_into, 1, 0, "R5.2", math::remainder(s0, a))                                                                                    \
  X(pow_scalar, 1, 0, "R5", math::pow(a, s0))  /* s0: exponent */                                                                            \
  X(pow_base, 1, 0, "R5", math::pow(s0, a))  /* s0: base */                                                                                  \
  X(eq_scalar, 1, 1, "R5.3", math::truth(a == s0))                                                                                           \
  X(ne_scalar, 1, 1, "R5.3", math::truth(a != s0))                                                                                           \
  X(lt_scalar, 1, 1, "R5.3", math::truth(a < s0))                                                                                            \
  X(le_scalar, 1, 1, "R5.3", math::truth(a <= s0))                                                                                           \
  X(gt_scalar, 1, 1, "R5.3", math::truth(a > s0))                                                                                            \
  X(ge_scalar, 1, 1, "R5.3", math::truth(a >= s0))                                                                                           \
  X(isnan, 0, 1, "R5.3", math::truth(a != a))                                                                                                \
  X(isinf, 0, 1, "R5.3", math::truth(math::is_infinite(a)))                                                                                  \
  X(isposinf, 0, 1, "R5.3", math::truth(a == math::infinity()))                                                                              \
  X(isneginf, 0, 1, "R5.3", math::truth(a == -math::infinity()))                                                                             \
  X(isfinite, 0, 1, "R5.3", math::truth(math::is_finite(a)))                                                                                 \
  X(signbit, 0, 1, "R5.3", math::truth(math::has_sign(a) && a == a))                                                                         \
  X(logical_not, 0, 1, "R5.3", math::truth(a == 0.0f))

#define ASSAY_POINTWISE_BINARY(X) \
  X(add, 1, 0, "R5.2", a + s0 * b)  /* s0: alpha */                                                    \
  X(sub, 1, 0, "R5.2", a - s0 * b)                                                                     \
  X(mul, 0, 0, "R5.2", a * b)                                                                          \
  X(div, 0, 0, "R5.2", a / b)                                                                          \
  X(div_floor, 0, 0, "R5.2", math::floor_divide(a, b))                                                 \
  X(div_trunc, 0, 0, "R5.2", math::trunc(a / b))                                                       \
  X(fmod, 0, 0, "R5.2", math::fmod(a, b))                                                              \
  X(remainder, 0, 0, "R5.2", math::remainder(a, b))                                                    \
  X(maximum, 0, 0, "R5.2", math::larger(a, b))                                                         \
  X(minimum, 0, 0, "R5.2", math::smaller(a, b))                                                        \
  X(fmax, 0, 0, "R5.2", a != a ? b : b != b ? a : math::larger(a, b))                                  \
  X(fmin, 0, 0, "R5.2", a != a ? b : b != b ? a : math::smaller(a, b))                                 \
  X(pow, 0, 0, "R5", math::pow(a, b))                                                                  \
  X(atan2, 0, 0, "R5", math::atan2(a, b))                                                              \
  X(hypot, 0, 0, "R5", math::hypot(a, b))                                                              \
  X(copysign, 0, 0, "R5.2", math::copysign(a, b))                                                      \
  X(xlogy, 0, 0, "R5.2", math::xlogy(a, b))                                                            \
  X(xlog1py, 0, 0, "R5.2", math::xlog1py(a, b))                                                        \
  X(eq, 0, 1, "R5.3", math::truth(a == b))                                                             \
  X(ne, 0, 1, "R5.3", math::truth(a != b))                                                             \
  X(lt, 0, 1, "R5.3", math::truth(a < b))                                                              \
  X(le, 0, 1, "R5.3", math::truth(a <= b))                                                             \
  X(gt, 0, 1, "R5.3", math::truth(a > b))                                                              \
  X(ge, 0, 1, "R5.3", math::truth(a >= b))                                                             \
  X(logical_and, 0, 1, "R5.3", math::truth(a != 0.0f && b != 0.0f))                                    \
  X(logical_or, 0, 1, "R5.3", math::truth(a != 0.0f || b != 0.0f))                                     \
  X(logical_xor, 0, 1, "R5.3", math::truth((a != 0.0f) != (b != 0.0f)))                                \
  X(masked_fill, 1, 0, "R5.3", b != 0.0f ? s0 : a)  /* a: self, b: mask, s0: value */                  \
  X(lerp_scalar, 1, 0, "R5.2", math::lerp(a, b, s0))  /* a: self, b: end, s0: weight */                \
  X(prelu, 0, 0, "R5.4", a > 0.0f ? a : b * a)  /* a: self, b: weight */                               \
  X(sigmoid_backward, 0, 0, "R5.5", a * (1.0f - b) * b)  /* a: grad, b: output */                      \
  X(tanh_backward, 0, 0, "R5.5", a * (1.0f - b * b))  /* a: grad, b: output */                         \
  X(gelu_backward, 0, 0, "R5.5", math::gelu_backward(a, b))  /* a: grad, b: self, here and below */    \
  X(gelu_tanh_backward, 0, 0, "R5.5", math::gelu_tanh_backward(a, b))                                  \
  X(silu_backward, 0, 0, "R5.5", math::silu_backward(a, b))                                            \
  X(mish_backward, 0, 0, "R5.5", math::mish_backward(a, b))                                            \
  X(log_sigmoid_backward, 0, 0, "R5.5", math::log_sigmoid_backward(a, b))                              \
  X(softplus_backward, 2, 0, "R5.5", math::softplus_backward(a, b, s0, s1))                            \
  X(threshold_backward, 1, 0, "R5.5", b <= s0 ? 0.0f : a)                                              \
  X(elu_backward, 3, 0, "R5.5", math::elu_backward(a, b, s0, s1, s2))                                  \
  X(elu_backward_result, 3, 0, "R5.5", math::elu_backward_result(a, b, s0, s1, s2))  /* b: output */   \
  X(leaky_relu_backward, 1, 0, "R5.5", b > 0.0f ? a : a * s0)                                          \
  X(hardtanh_backward, 2, 0, "R5.5", b <= s0 || b >= s1 ? 0.0f : a)                                    \
  X(hardswish_backward, 0, 0, "R5.5", math::hardswish_backward(a, b))                                  \
  X(hardsigmoid_backward, 0, 0, "R5.5", math::hardsigmoid_backward(a, b))                              \
  X(hardshrink_backward, 1, 0, "R5.5", b >= -s0 && b <= s0 ? 0.0f : a)  /* softshrink_backward too */  \
  X(logit_backward, 1, 0, "R5.5", math::logit_backward(a, b, s0))                                      \
  X(mse_loss, 0, 0, "R5.6", math::squared(a - b))  /* a: self, b: target, here and below */            \
  X(smooth_l1_loss, 1, 0, "R5.6", math::smooth_l1(a, b, s0))  /* s0: beta */                           \
  X(huber_loss, 1, 0, "R5.6", math::huber(a, b, s0))  /* s0: delta */                                  \
  X(bce_loss, 0, 0, "R5.6", math::bce(a, b))                                                           \
  X(bce_with_logits_loss, 0, 0, "R5.6", math::bce_with_logits(a, b))

#define ASSAY_POINTWISE_TERNARY(X) \
  X(where, 0, 0, "R5.3", a != 0.0f ? b : c)  /* a: condition */                                                      \
  X(addcmul, 1, 0, "R5.2", a + (s0 * b) * c)                                                                         \
  X(addcdiv, 1, 0, "R5.2", a + (s0 * b) / c)                                                                         \
  X(lerp, 0, 0, "R5.2", math::lerp(a, b, c))  /* c: weight */                                                        \
  X(clamp, 0, 0, "R5.2", math::between(a, b, c))                                                                     \
  X(mse_loss_backward, 1, 0, "R5.6", s0 * (b - c) * a)  /* a: grad, b: self, c: target, s0: 2 or 2/n */              \
  X(smooth_l1_loss_backward, 2, 0, "R5.6", math::smooth_l1_backward(a, b, c, s0, s1))  /* s0: 1 or 1/n, s1: beta */  \
  X(huber_loss_backward, 2, 0, "R5.6", math::huber_backward(a, b, c, s0, s1))                                        \
  X(bce_loss_backward, 0, 0, "R5.6", math::bce_backward(a, b, c))                                                    \
  X(bce_with_logits_loss_backward, 0, 0, "R5.6", math::bce_with_logits_backward(a, b, c))
// clang-format on

namespace assay::kernels {

enum class Op : std::uint16_t {
  none,
#define ASSAY_NAME(name, ...) name,
  ASSAY_POINTWISE_UNARY(ASSAY_NAME) ASSAY_POINTWISE_BINARY(ASSAY_NAME) ASSAY_POINTWISE_TERNARY(ASSAY_NAME)
#undef ASSAY_NAME
};

}  // namespace assay::kernels
