#include "kernels/pointwise/formula.cuh"
#include "kernels/pointwise/value_table.hpp"

namespace assay::kernels::cuda {

Status pointwise_unary(const Job& job, void* stream) {
  if (const auto status = by_table(job, stream)) return *status;
  switch (job.op) {
#define ASSAY_CASE(name, ...) \
  case Op::name:              \
    return launch<ops::name, 1>(job, stream);
    ASSAY_POINTWISE_UNARY(ASSAY_CASE)
#undef ASSAY_CASE
    default:
      return Status::bad_type;
  }
}

}  // namespace assay::kernels::cuda
