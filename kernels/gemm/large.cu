#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

bool launch_large(const Job& job, void* stream) {
  return launch<Shape<128, 128, 16, 8, 16, 4, 2, 1, false, kApart>>(job, stream);
}

}  // namespace assay::kernels::gemm_device
