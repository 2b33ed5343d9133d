#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

using Stacked = Shape<128, 128, 16, 8, 8, 4, 2, 1, true>;

bool launch_stacked(const Job& job, void* stream) { return launch<Stacked, true>(job, stream); }

}  // namespace assay::kernels::gemm_device
