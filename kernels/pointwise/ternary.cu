#include "kernels/pointwise/formula.cuh"

namespace assay::kernels::cuda {

Status pointwise_ternary(const Job& job, void* stream) {
  switch (job.op) {
#define ASSAY_CASE(name, ...) \
  case Op::name:              \
    return launch<ops::name, 3>(job, stream);
    ASSAY_POINTWISE_TERNARY(ASSAY_CASE)
#undef ASSAY_CASE
    default:
      return Status::bad_type;
  }
}

}  // namespace assay::kernels::cuda
