// Softmax and cross-entropy on CUDA; norms lie in fused_norm.cu, so that neither takes long to compile.
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
    case Fused::softmax_backward:
      return launch<SoftmaxBackwardRule<false>>(job, stream);
    case Fused::log_softmax_backward:
      return launch<SoftmaxBackwardRule<true>>(job, stream);
    case Fused::cross_entropy:
      return launch<CrossEntropyRule>(job, stream);
    case Fused::cross_entropy_backward:
      return launch<CrossEntropyBackwardRule>(job, stream);
    default:
      return run_norm(job, stream);
  }
}

}  // namespace assay::kernels
