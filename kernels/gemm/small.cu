#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

// From shape 7 on: for few tiles and a long k, a block alone on its processor. What it reads ahead then has
// to cover a load's whole way from memory.
bool launch_small(int shape, const Job& job, void* stream) {
  switch (shape) {
    case 3:
      return launch<Shape<64, 64, 16, 4, 8, 4, 4, 1, false>>(job, stream);
    case 4:
      return launch<Shape<64, 32, 32, 4, 4, 8, 4, 1, true>>(job, stream);
    case 5:
      return launch<Shape<32, 64, 32, 4, 4, 4, 4, 1, true, kApart>>(job, stream);
    case 6:
      return launch<Shape<32, 32, 16, 4, 4, 8, 4, 1, true>>(job, stream);
    case 7:
      return launch<Shape<32, 32, 64, 2, 4, 8, 2, 3, true, kApart>>(job, stream);
    case 8:
      return launch<Shape<96, 32, 32, 6, 4, 8, 1, 1, true, kApart>>(job, stream);
    default:
      return launch<Shape<64, 64, 32, 4, 8, 4, 1, 3, false, kApart>>(job, stream);
  }
}

}  // namespace assay::kernels::gemm_device
