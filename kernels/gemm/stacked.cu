#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

bool launch_stacked(const Job& job, void* stream) {
  return launch<Shape<128, 128, 16, 8, 16, 4, 2, 1, false>, true>(job, stream);
}

}  // namespace assay::kernels::gemm_device
