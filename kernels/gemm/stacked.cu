#include <type_traits>

#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

using Stacked = std::conditional_t<kNext, Shape<128, 128, 16, 8, 8, 4, 2, 1, true>,
                                   Shape<128, 128, 16, 8, 16, 4, 2, 1, false>>;

bool launch_stacked(const Job& job, void* stream) { return launch<Stacked, true>(job, stream); }

}  // namespace assay::kernels::gemm_device
