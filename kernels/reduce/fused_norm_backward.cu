// Gradients of LayerNorm and RMSNorm on CUDA.
#include "kernels/reduce/fused.cuh"

namespace assay::kernels {

Status cuda::run_norm_backward(const FusedJob& job, cudaStream_t stream) {
  using namespace assay::kernels::fused_rows;
  switch (job.kind) {
    case Fused::layer_norm_backward:
      return launch<NormBackwardRule<true>>(job, stream);
    default:
      return launch<NormBackwardRule<false>>(job, stream);
  }
}

}  // namespace assay::kernels
