#include "kernels/pointwise/loops.hpp"

namespace assay::kernels::ASSAY_VARIANT {

Body binary_body(Op op) {
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
