#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

bool launch_medium(int shape, const Job& job, void* stream) {
  return shape == 1 ? launch<Shape<128, 128, 16, 8, 8, 4, 2, 1, true>>(job, stream)
                    : launch<Shape<64, 128, 16, 8, 8, 4, 3, 1, true, kApartIfBAlongK>>(job, stream);
}

}  // namespace assay::kernels::gemm_device
