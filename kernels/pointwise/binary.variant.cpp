#include "kernels/pointwise/loops.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

ASSAY_GUARDED(Fmod, math::far_apart(a, b), math::fmod_near(a, b), math::fmod(a, b))
ASSAY_GUARDED(Remainder, math::far_apart(a, b), math::remainder_from(math::fmod_near(a, b), b),
              math::remainder(a, b))
ASSAY_GUARDED(FloorDivide, math::far_apart(a, b), math::floor_divide_from(math::fmod_near(a, b), a, b),
              math::floor_divide(a, b))

}  // namespace

Body binary_body(Op op) {
  if (op == Op::fmod) return guarded<Fmod, 2>;
  if (op == Op::remainder) return guarded<Remainder, 2>;
  if (op == Op::div_floor) return guarded<FloorDivide, 2>;
  switch (op) {
#define ASSAY_CASE(name, ...) \
  case Op::name:              \
    return body<ops::name, 2>;
    ASSAY_POINTWISE_BINARY(ASSAY_CASE)
#undef ASSAY_CASE
    default:
      return nullptr;
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
