// Softmax and cross-entropy on CUDA.
#include "kernels/reduce/fused.cuh"

namespace assay::kernels {

Status cuda::run_fused(const FusedJob& job, const Place& place) {
  using namespace assay::kernels::fused_rows;
  const auto stream = static_cast<cudaStream_t>(place.stream);
  switch (job.kind) {
    case Fused::softmax:
      return launch<SoftmaxRule<false>>(job, stream);
    case Fused::log_softmax:
      return launch<SoftmaxRule<true>>(job, stream);
    case Fused::cross_entropy:
      return launch<CrossEntropyRule>(job, stream);
    case Fused::layer_norm:
    case Fused::rms_norm:
      return run_norm(job, stream);
    case Fused::layer_norm_backward:
    case Fused::rms_norm_backward:
      return run_norm_backward(job, stream);
    default:
      return run_fused_backward(job, stream);
  }
}

}  // namespace assay::kernels
