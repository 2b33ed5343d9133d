#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

bool launch_small(int shape, const Job& job, void* stream) {
  return shape == 3   ? launch<Shape<64, 64, 16, 8, 4, 4, 4, 4>>(job, stream)
         : shape == 4 ? launch<Shape<64, 32, 32, 4, 4, 4, 2, 4>>(job, stream)
                      : launch<Shape<32, 64, 32, 4, 4, 4, 3, 4>>(job, stream);
}

}  // namespace assay::kernels::gemm_device
