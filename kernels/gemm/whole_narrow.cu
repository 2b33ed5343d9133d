#include "kernels/gemm/whole.cuh"

namespace assay::kernels::gemm_device {

bool launch_whole_narrow(const Job& job, void* stream) {
  return launch_whole_sides<std::uint16_t>(job, static_cast<cudaStream_t>(stream));
}

}  // namespace assay::kernels::gemm_device
