// Softmax and cross-entropy on CUDA; norms lie in fused_norm.cu, so that neither takes long to compile.
#include "kernels/reduce/fused.cuh"

namespace assay::kernels {

namespace {

/// ATen's kernels trap on a target outside the classes; so does this one.
__global__ void check_targets(const __grid_constant__ FusedJob job) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= job.rows.count) return;
  const std::int64_t target = job.target[index * job.target_step];
  if (target != job.ignored && (target < 0 || target >= job.rows.n)) __trap();
}

}  // namespace

Status cuda::run_fused(const FusedJob& job, const Place& place) {
  using namespace assay::kernels::fused_rows;
  const auto stream = static_cast<cudaStream_t>(place.stream);
  if (job.target) check_targets<<<static_cast<unsigned>((job.rows.count + 255) / 256), 256, 0, stream>>>(job);
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
