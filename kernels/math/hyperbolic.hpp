// tanh and the logistic function in fp32; sinh, cosh and the inverse functions through fp64.
#pragma once

#include "kernels/math/exponential.hpp"
#include "kernels/math/wide.hpp"

namespace assay::kernels::math {

/// |x| < 0.55: x + x^3 p(x^2); above: 1 - 2 / (e^2|x| + 1); doubling is exact, so the last fma rounds once as
/// the difference would.
ASSAY_HD float tanh_total(float x) {
  const float y = magnitude(x), z = x * x;
  float q = fma_(0x1.4862c6p-9f, z, -0x1.16ea42p-7f);
  q = fma_(q, z, 0x1.656aa4p-6f);
  q = fma_(q, z, -0x1.ba137ap-5f);
  q = fma_(q, z, 0x1.111104p-3f);
  q = fma_(q, z, -0x1.555556p-2f);
  const float small = fma_(q * z, y, y);
  const float half = limited(x, 10.0f);
  const float large = fma_(-2.0f, reciprocal_inside(exp_narrow(half + half) + 1.0f), 1.0f);
  return copysign(y < 0.55f ? small : large, x);
}
ASSAY_HD float tanh(float x) { return x != x ? x : tanh_total(x); }

/// With e = e^-|x|: 1 / (1 + e), below 0 e / (1 + e).
ASSAY_HD float sigmoid_total(float x) {
  const Reduced reduced = reduce_exp(-limited(x, 110.0f));
  const float e = scale(exp_reduced(reduced.r), reduced.n);
  return divide_inside(x < 0.0f ? e : 1.0f, 1.0f + e);
}
ASSAY_HD float sigmoid(float x) { return x != x ? x : sigmoid_total(x); }

ASSAY_HD float sinh(float x) {
  const double y = x, e = exp64(limit(magnitude(x), 0.0f, 100.0f));
  const float large = copysign(static_cast<float>(0.5 * (e - 1.0 / e)), x);
  const float small = static_cast<float>(fma64(y * y * y, 1.0 / 6.0, y));
  return magnitude(x) < 0x1p-8f ? (x == 0.0f ? x : small) : large;
}

ASSAY_HD float cosh(float x) {
  const double e = exp64(limit(magnitude(x), 0.0f, 100.0f));
  return static_cast<float>(0.5 * (e + 1.0 / e));
}

ASSAY_HD float asinh(float x) {
  const double y = magnitude(x);
  const float large = static_cast<float>(log64(y + sqrt64(fma64(y, y, 1.0))));
  const float small = static_cast<float>(fma64(y * y * y, -1.0 / 6.0, y));
  const float r = magnitude(x) < 0x1p-8f ? small : large;
  return is_finite(x) ? copysign(r, x) : x;
}

ASSAY_HD float acosh(float x) {
  const double y = x;
  const float r = static_cast<float>(log64(y + sqrt64(fma64(y, y, -1.0))));
  return x < 1.0f ? nan() : is_finite(x) ? r : x;
}

ASSAY_HD float atanh(float x) {
  const double y = magnitude(x);
  const float large = static_cast<float>(0.5 * log64((1.0 + y) / (1.0 - y)));
  const float small = static_cast<float>(fma64(y * y * y, 1.0 / 3.0, y));
  const float r = magnitude(x) < 0x1p-8f ? small : magnitude(x) == 1.0f ? infinity() : large;
  return magnitude(x) <= 1.0f ? copysign(r, x) : nan();
}

}  // namespace assay::kernels::math
