// Gradients of softmax and cross-entropy on CUDA.
#include "kernels/reduce/fused.cuh"

namespace assay::kernels {

Status cuda::run_fused_backward(const FusedJob& job, cudaStream_t stream) {
  using namespace assay::kernels::fused_rows;
  switch (job.kind) {
    case Fused::softmax_backward:
      return launch<SoftmaxBackwardRule<false>>(job, stream);
    case Fused::log_softmax_backward:
      return launch<SoftmaxBackwardRule<true>>(job, stream);
    default:
      return launch<CrossEntropyBackwardRule>(job, stream);
  }
}

}  // namespace assay::kernels
