// Activations, their derivatives and the pointwise parts of losses: ATen's formulas
// (aten/src/ATen/native, 2.11) in their written order, every operation rounded once.
#pragma once

#include "kernels/math/error.hpp"
#include "kernels/math/exponential.hpp"
#include "kernels/math/hyperbolic.hpp"
#include "kernels/math/logarithm.hpp"

namespace assay::kernels::math {

inline constexpr float kGeluPdf = 0.398942280401432678f;   // 1 / sqrt(2 pi)
inline constexpr float kGeluBeta = 0.797884560802865356f;  // sqrt(2 / pi)
inline constexpr float kGeluKappa = 0.044715f;

ASSAY_HD float gelu(float x) { return (0.5f * x) * twice_normal_cdf(x); }
ASSAY_HD float gelu_backward(float g, float x) {
  const float cdf = 0.5f * twice_normal_cdf(x);
  const float pdf = exp_total(x * x * -0.5f) * kGeluPdf;
  return g * (cdf + x * pdf);
}

ASSAY_HD float gelu_inner(float x) { return tanh_total(kGeluBeta * (x + kGeluKappa * (x * x * x))); }
ASSAY_HD float gelu_tanh(float x) { return (0.5f * x) * (1.0f + gelu_inner(x)); }
ASSAY_HD float gelu_tanh_backward(float g, float x) {
  const float t = gelu_inner(x);
  const float left = 0.5f * x, right = 1.0f + t;
  const float inner = kGeluBeta * (1.0f + (3.0f * kGeluKappa) * (x * x));
  const float left_part = 0.5f * right, right_part = left * (1.0f - t * t) * inner;
  return g * (left_part + right_part);
}

ASSAY_HD float silu(float x) {
  const float b = 1.0f + exp_total(-x);
#if defined(__CUDA_ARCH__)
  // 2^-60 <= |x| < 80: then the quotient is far from the ends.
  if ((bits_of(x) & 0x7fffffffu) - 0x21800000u < 0x42a00000u - 0x21800000u) return divide_inside(x, b);
#endif
  return x / b;
}
ASSAY_HD float silu_backward(float g, float x) {
  const float s = sigmoid_total(x);
  return g * s * (1.0f + x * (1.0f - s));
}

ASSAY_HD float softplus(float x, float beta, float threshold) {
  const float z = x * beta;
  const float logarithm = log1p_nonnegative(exp(z));
#if defined(__CUDA_ARCH__)
  const float y = beta == 1.0f ? logarithm : logarithm / beta;  // a branch that all threads take alike
#else
  const float y = logarithm / beta;
#endif
  return z > threshold ? x : y;
}
ASSAY_HD float softplus_backward(float g, float x, float beta, float threshold) {
  const float z = exp(x * beta);
  const float y = g * z / (z + 1.0f);
  return x * beta > threshold ? g : y;
}

ASSAY_HD float log_sigmoid(float x) {
  return (x < 0.0f || x != x ? x : 0.0f) - log1p_nonnegative(exp(-magnitude(x)));
}
ASSAY_HD float log_sigmoid_backward(float g, float x) {
  const bool negative = x < 0.0f;
  const float z = exp(-magnitude(x));
  return g * ((negative ? 1.0f : 0.0f) - (negative ? 1.0f : -1.0f) * (z / (1.0f + z)));
}

ASSAY_HD float mish(float x) { return x * tanh(log1p_nonnegative(exp(x))); }
ASSAY_HD float mish_backward(float g, float x) {
  const float t = tanh(log1p_nonnegative(exp(x)));
  return g * (t + x * sigmoid(x) * (1.0f - t * t));
}

ASSAY_HD float elu(float x, float alpha, float scaled, float input) {
  const float y = expm1(x * input) * (alpha * scaled);
  return x <= 0.0f ? y : x * scaled;
}
ASSAY_HD float elu_backward(float g, float x, float alpha, float scaled, float input) {
  const float y = g * input * (alpha * scaled) * exp(x * input);
  return x <= 0.0f ? y : g * scaled;
}
ASSAY_HD float elu_backward_result(float g, float y, float alpha, float scaled, float input) {
  return y <= 0.0f ? g * input * (y + alpha * scaled) : g * scaled;
}

ASSAY_HD float between(float x, float low, float high) { return smaller(larger(x, low), high); }

ASSAY_HD float hardswish(float x) { return x * between(x + 3.0f, 0.0f, 6.0f) / 6.0f; }
ASSAY_HD float hardswish_backward(float g, float x) {
  const float middle = g * (x / 3.0f + 0.5f);
  return x <= -3.0f ? 0.0f : x < 3.0f ? middle : g;
}
ASSAY_HD float hardsigmoid(float x) { return between(x + 3.0f, 0.0f, 6.0f) / 6.0f; }
ASSAY_HD float hardsigmoid_backward(float g, float x) { return x > -3.0f && x < 3.0f ? g / 6.0f : 0.0f; }

ASSAY_HD float logit(float x, float eps) {
  const float z = eps < 0.0f ? x : x < eps ? eps : x > 1.0f - eps ? 1.0f - eps : x;
  return log(z / (1.0f - z));
}
ASSAY_HD float logit_backward(float g, float x, float eps) {
  const float low = eps < 0.0f ? 0.0f : eps, high = eps < 0.0f ? 1.0f : 1.0f - eps;
  const float y = g / (x * (1.0f - x));
  return x < low || x > high ? (eps < 0.0f ? nan() : 0.0f) : y;
}

ASSAY_HD float smooth_l1(float x, float target, float beta) {
  const float z = magnitude(x - target);
  return z < beta ? 0.5f * z * z / beta : z - 0.5f * beta;
}
ASSAY_HD float smooth_l1_backward(float g, float x, float target, float norm, float beta) {
  const float d = x - target;
  const float middle = norm * d * g / beta;
  return d <= -beta ? -norm * g : d >= beta ? norm * g : middle;
}
ASSAY_HD float huber(float x, float target, float delta) {
  const float z = magnitude(x - target);
  return z <= delta ? 0.5f * z * z : delta * (z - 0.5f * delta);
}
ASSAY_HD float huber_backward(float g, float x, float target, float norm, float delta) {
  const float d = x - target;
  return d <= -delta ? -norm * g * delta : d >= delta ? norm * g * delta : norm * d * g;
}

ASSAY_HD float bce(float x, float target) {
  return (target - 1.0f) * larger(log1p(-x), -100.0f) - target * larger(log(x), -100.0f);
}
ASSAY_HD float bce_backward(float g, float x, float target) {
  return g * (x - target) / larger((1.0f - x) * x, 1e-12f);
}
/// ATen composes it as (1 - target) x - log_sigmoid(x).
ASSAY_HD float bce_with_logits(float x, float target) { return (1.0f - target) * x - log_sigmoid(x); }
ASSAY_HD float bce_with_logits_backward(float g, float x, float target) { return (sigmoid(x) - target) * g; }

ASSAY_HD float xlogy(float x, float y) {
  const float r = x * log(y);
  return y != y ? y : x == 0.0f ? 0.0f : r;
}
ASSAY_HD float xlog1py(float x, float y) {
  const float r = x * log1p(y);
  return y != y ? y : x == 0.0f ? 0.0f : r;
}

/// From the nearer end.
ASSAY_HD float lerp(float a, float b, float w) {
  return magnitude(w) < 0.5f ? a + w * (b - a) : b - (b - a) * (1.0f - w);
}

ASSAY_HD float squared(float x) { return x * x; }
ASSAY_HD float sign(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f; }

}  // namespace assay::kernels::math
