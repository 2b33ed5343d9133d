#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

bool launch_large(const Job& job, void* stream) {
  return launch<Shape<128, 256, 16, 8, 16, 4, 3, 1>>(job, stream);
}

}  // namespace assay::kernels::gemm_device
