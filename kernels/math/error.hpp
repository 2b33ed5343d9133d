// erf in fp32, erfc through fp64, the inverse of erf.
#pragma once

#include "kernels/math/exponential.hpp"
#include "kernels/math/logarithm.hpp"
#include "kernels/math/wide.hpp"

namespace assay::kernels::math {

/// |x| < 1: x + x p(x^2); above: 1 - e^q(|x|), q fitted to log(erfc) on [1, 3.95].
ASSAY_HD float erf_total(float x) {
  const float y = magnitude(x), z = x * x;
  float p = fma_(-0x1.281efap-11f, z, 0x1.428d76p-8f);
  p = fma_(p, z, -0x1.b5b310p-6f);
  p = fma_(p, z, 0x1.ce0ab2p-4f);
  p = fma_(p, z, -0x1.812680p-2f);
  p = fma_(p, z, 0x1.06eba2p-3f);
  const float small = fma_(p, x, x);
  const float t = limited(x, 4.0f);
  float q = fma_(0x1.bd6ceap-20f, t, -0x1.85e5a6p-15f);
  q = fma_(q, t, 0x1.3aaf1ap-11f);
  q = fma_(q, t, -0x1.38ed44p-8f);
  q = fma_(q, t, 0x1.b190a8p-6f);
  q = fma_(q, t, -0x1.c32cc4p-4f);
  q = fma_(q, t, -0x1.43755ep-1f);
  q = fma_(q, t, -0x1.21599ap+0f);
  q = fma_(q, t, 0x1.59a1eep-12f);
  return copysign(y < 1.0f ? magnitude(small) : 1.0f - exp_narrow(q), x);
}
ASSAY_HD float erf(float x) { return x != x ? x : erf_total(x); }

/// erfc(|x| / sqrt(2)), 0 above 5.7: e^(|x| q(|x|)), q fitted to log(erfc) with weight erfc, so to 2^-26
/// of 1. No NaN.
ASSAY_HD float normal_tail(float x) {
  const float y = limited(x, 5.7f);
  float q = fma_(0x1.7db462p-22f, y, -0x1.bcb540p-18f);
  q = fma_(q, y, 0x1.b3f06ap-15f);
  q = fma_(q, y, -0x1.9d5696p-13f);
  q = fma_(q, y, 0x1.5cabc2p-17f);
  q = fma_(q, y, 0x1.3ada8ap-8f);
  q = fma_(q, y, -0x1.29bd02p-5f);
  q = fma_(q, y, -0x1.45f28cp-2f);
  q = fma_(q, y, -0x1.988458p-1f);
  const float e = exp_narrow(q * y);
  return magnitude(x) < 5.7f ? e : 0.0f;
}

/// 1 + erf(x / sqrt(2)): twice the normal distribution function, to 2^-25. A NaN gives some number.
ASSAY_HD float twice_normal_cdf(float x) {
  const float e = normal_tail(x);
  return x < 0.0f ? e : 2.0f - e;
}

/// e^(-x^2) h(x) / (1 + 2x) with h fitted in (x - 3) / (x + 3) on [0, 10.6]; 2 - erfc(-x) below 0.
ASSAY_HD float erfc(float x) {
  const double y = limit(magnitude(x), 0.0f, 10.6f);
  const double t = (y - 3.0) / (y + 3.0);
  double h = fma64(0x1.1be93cf63e1bap-15, t, 0x1.0d46824bb46dcp-13);
  h = fma64(h, t, -0x1.0934f7cad7871p-13);
  h = fma64(h, t, -0x1.9f1c649b3d35ap-11);
  h = fma64(h, t, 0x1.f056b2a4c87ccp-10);
  h = fma64(h, t, 0x1.4c277618598d4p-9);
  h = fma64(h, t, -0x1.85755dc451c32p-6);
  h = fma64(h, t, 0x1.17c961dcbbe6cp-4);
  h = fma64(h, t, -0x1.e88b8e3758a86p-4);
  h = fma64(h, t, 0x1.09836ce5dc5c5p-3);
  h = fma64(h, t, -0x1.85a15a5565afap-5);
  h = fma64(h, t, -0x1.15c084d89e54ep-3);
  h = fma64(h, t, 0x1.40c522d7c3044p+0);
  const double tail = exp64(-y * y) * h / fma64(2.0, y, 1.0);
  return static_cast<float>(x < 0.0f ? 2.0 - tail : tail);
}

/// Giles, "Approximating the erfinv function" (2010): single precision.
ASSAY_HD float erfinv(float x) {
  const float w = -log1p(-(x * x));
  const float a = w - 2.5f;
  float p = fma_(2.81022636e-08f, a, 3.43273939e-07f);
  p = fma_(p, a, -3.5233877e-06f);
  p = fma_(p, a, -4.39150654e-06f);
  p = fma_(p, a, 0.00021858087f);
  p = fma_(p, a, -0.00125372503f);
  p = fma_(p, a, -0.00417768164f);
  p = fma_(p, a, 0.246640727f);
  p = fma_(p, a, 1.50140941f);
  const float b = sqrt(w) - 3.0f;
  float q = fma_(-0.000200214257f, b, 0.000100950558f);
  q = fma_(q, b, 0.00134934322f);
  q = fma_(q, b, -0.00367342844f);
  q = fma_(q, b, 0.00573950773f);
  q = fma_(q, b, -0.0076224613f);
  q = fma_(q, b, 0.00943887047f);
  q = fma_(q, b, 1.00167406f);
  q = fma_(q, b, 2.83297682f);
  const float y = (w < 5.0f ? p : q) * x;
  return magnitude(x) == 1.0f ? copysign(infinity(), x) : y;
}

}  // namespace assay::kernels::math
