#include "kernels/pointwise/loops.hpp"

namespace assay::kernels::ASSAY_VARIANT {

Body unary_body(Op op) {
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
