#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

bool launch_medium(int shape, const Job& job, void* stream) {
  return shape == 1 ? launch<Shape<128, 128, 8, 8, 8, 8, 4, 2>>(job, stream)
                    : launch<Shape<128, 64, 8, 8, 8, 8, 4, 4>>(job, stream);
}

}  // namespace assay::kernels::gemm_device
