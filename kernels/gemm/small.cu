#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

bool launch_small(int shape, const Job& job, void* stream) {
  return shape == 3   ? launch<Shape<64, 64, 16, 4, 8, 4, 4, 1, false>>(job, stream)
         : shape == 4 ? launch<Shape<64, 32, 32, 4, 4, 8, 4, 1, true>>(job, stream)
         : shape == 5 ? launch<Shape<32, 64, 32, 4, 4, 4, 4, 1, true, kApart>>(job, stream)
                      : launch<Shape<32, 32, 16, 4, 4, 8, 4, 1, true>>(job, stream);
}

}  // namespace assay::kernels::gemm_device
