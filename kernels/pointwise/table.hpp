// The one table of pointwise operators. A row: X(name, scalars, predicate, contract paragraph, formula of one
// element). The formula is the rule: a, b, c are the inputs widened to fp32, s0 to s3 the scalars, every
// operation rounds once, in the written order. From it come the enum, the CPU loops, the CUDA kernels and the
// tests' reference.
#pragma once

#include <cstdint>

// clang-format off
#define ASSAY_POINTWISE_UNARY(X)                                                                       \
  X(neg, 0, 0, "R6.2", math::negate(a))                                                                \
  X(abs, 0, 0, "R6.2", math::magnitude(a))                                                             \
  X(square, 0, 0, "R6.2", a * a)                                                                       \
  X(reciprocal, 0, 0, "R6.2", 1.0f / a)                                                                \
  X(sqrt, 0, 0, "R5", math::sqrt(a))                                                                   \
  X(add_scalar, 2, 0, "R6.2", a + s1 * s0)            /* s0: other, s1: alpha */                       \
  X(sub_scalar, 2, 0, "R6.2", a - s1 * s0)                                                             \
  X(rsub_scalar, 2, 0, "R6.2", s0 - s1 * a)                                                            \
  X(mul_scalar, 1, 0, "R6.2", a * s0)                                                                  \
  X(div_scalar, 1, 0, "R6.2", a / s0)                                                                  \
  X(div_into, 1, 0, "R6.2", s0 / a)                   /* a scalar divided by a tensor */

#define ASSAY_POINTWISE_BINARY(X)                                                                      \
  X(add, 1, 0, "R6.2", a + s0 * b)                    /* s0: alpha */                                  \
  X(sub, 1, 0, "R6.2", a - s0 * b)                                                                     \
  X(mul, 0, 0, "R6.2", a * b)                                                                          \
  X(div, 0, 0, "R6.2", a / b)                                                                          \
  X(eq, 0, 1, "R6.3", math::truth(a == b))                                                             \
  X(ne, 0, 1, "R6.3", math::truth(a != b))                                                             \
  X(lt, 0, 1, "R6.3", math::truth(a < b))                                                              \
  X(le, 0, 1, "R6.3", math::truth(a <= b))                                                             \
  X(gt, 0, 1, "R6.3", math::truth(a > b))                                                              \
  X(ge, 0, 1, "R6.3", math::truth(a >= b))                                                             \
  X(masked_fill, 1, 0, "R6.3", b != 0.0f ? s0 : a)    /* a: self, b: mask */

#define ASSAY_POINTWISE_TERNARY(X)                                                                     \
  X(where, 0, 0, "R6.3", a != 0.0f ? b : c)                                                            \
  X(addcmul, 1, 0, "R6.2", a + (s0 * b) * c)                                                           \
  X(addcdiv, 1, 0, "R6.2", a + (s0 * b) / c)
// clang-format on

namespace assay::kernels {

enum class Op : std::uint16_t {
  none,
#define ASSAY_NAME(name, ...) name,
  ASSAY_POINTWISE_UNARY(ASSAY_NAME) ASSAY_POINTWISE_BINARY(ASSAY_NAME) ASSAY_POINTWISE_TERNARY(ASSAY_NAME)
#undef ASSAY_NAME
};

}  // namespace assay::kernels
