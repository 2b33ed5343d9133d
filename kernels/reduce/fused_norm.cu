// LayerNorm and RMSNorm on CUDA.
#include "kernels/reduce/fused.cuh"

namespace assay::kernels {

Status cuda::run_norm(const FusedJob& job, cudaStream_t stream) {
  using namespace assay::kernels::fused_rows;
  switch (job.kind) {
    case Fused::layer_norm:
      return launch<NormRule<true>>(job, stream);
    default:
      return launch<NormRule<false>>(job, stream);
  }
}

}  // namespace assay::kernels
