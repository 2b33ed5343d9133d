#include "kernels/pointwise/loops.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

ASSAY_GUARDED(Sine, math::far_from_zero(a), math::sin_near(a), math::sin(a))
ASSAY_GUARDED(Cosine, math::far_from_zero(a), math::cos_near(a), math::cos(a))
ASSAY_GUARDED(Tangent, math::far_from_zero(a), math::tan_near(a), math::tan(a))
ASSAY_GUARDED(Fmod, math::far_apart(a, s0), math::fmod_near(a, s0), math::fmod(a, s0))
ASSAY_GUARDED(Remainder, math::far_apart(a, s0), math::remainder_from(math::fmod_near(a, s0), s0),
              math::remainder(a, s0))
ASSAY_GUARDED(FloorDivide, math::far_apart(a, s0), math::floor_divide_from(math::fmod_near(a, s0), a, s0),
              math::floor_divide(a, s0))

}  // namespace

Body unary_body(Op op) {
  if (op == Op::sin) return guarded<Sine, 1>;
  if (op == Op::cos) return guarded<Cosine, 1>;
  if (op == Op::tan) return guarded<Tangent, 1>;
  if (op == Op::fmod_scalar) return guarded<Fmod, 1>;
  if (op == Op::remainder_scalar) return guarded<Remainder, 1>;
  if (op == Op::div_floor_scalar) return guarded<FloorDivide, 1>;
  if (op == Op::gelu)
    return body<ops::gelu, 1, 2 * kAbreast>;  // on AVX2 g++ 12 keeps 64 apart better than 32
  switch (op) {
#define ASSAY_CASE(name) \
  case Op::name:         \
    return body<ops::name, 1, kAbreast>;
    ASSAY_CASE(exp)
    ASSAY_CASE(log)
    ASSAY_CASE(tanh)
    ASSAY_CASE(sigmoid)
    ASSAY_CASE(silu)
    ASSAY_CASE(gelu_tanh)
    ASSAY_CASE(erf)
#undef ASSAY_CASE
    default:
      break;
  }
  switch (op) {
#define ASSAY_CASE(name, ...) \
  case Op::name:              \
    return body<ops::name, 1>;
    ASSAY_POINTWISE_UNARY(ASSAY_CASE)
#undef ASSAY_CASE
    default:
      return nullptr;
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
