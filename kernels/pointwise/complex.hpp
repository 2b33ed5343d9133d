// One element of complex arithmetic: contract R5.7. Host and device.
#pragma once

#include "kernels/math/math.hpp"

namespace assay::kernels {

enum class ComplexOp : std::uint8_t;

struct Complex {
  float re, im;
};

ASSAY_HD Complex canonical(Complex z) { return {math::canonical(z.re), math::canonical(z.im)}; }

/// Four products, each rounded, then one sum each; conj negates by the sign bit.
ASSAY_HD Complex complex_of(int op, Complex a, Complex b) {
  switch (op) {
    case 0:
      return {a.re + b.re, a.im + b.im};
    case 1:
      return {a.re - b.re, a.im - b.im};
    case 2:
      return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    case 3:
      return {a.re * b.re + a.im * b.im, a.im * b.re - a.re * b.im};
    case 4:
      return {a.re, math::negate(a.im)};
    default:
      return {math::negate(a.re), math::negate(a.im)};
  }
}

ASSAY_HD Complex polar_of(float r, float angle) { return {r * math::cos(angle), r * math::sin(angle)}; }

}  // namespace assay::kernels
