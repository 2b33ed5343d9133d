#include "kernels/index/each.cuh"
#include "kernels/reduce/ctc_job.hpp"

namespace assay::kernels {

namespace {

constexpr std::int64_t kMostThreads = 256;

/// A block goes through the steps of one line; its threads share the positions.
__global__ void alphas_kernel(const __grid_constant__ CtcJob job) {
  for (std::int64_t n = blockIdx.x; n < job.batch; n += gridDim.x) {
    if (threadIdx.x == 0 && !job.fits(n)) __trap();
    __syncthreads();
    for (std::int64_t t = 0; t < job.steps; ++t) {
      for (std::int64_t s = threadIdx.x; s < job.width; s += blockDim.x)
        job.alpha(n, t, s) = math::canonical(ctc_alpha(job, n, t, s));
      __syncthreads();
    }
    if (threadIdx.x == 0) job.loss[n * job.loss_stride] = ctc_line_loss(job, n);
  }
}

__global__ void betas_kernel(const __grid_constant__ CtcJob job) {
  for (std::int64_t n = blockIdx.x; n < job.batch; n += gridDim.x) {
    if (threadIdx.x == 0 && !job.fits(n)) __trap();
    __syncthreads();
    for (std::int64_t t = job.steps; t-- > 0;) {
      for (std::int64_t s = threadIdx.x; s < job.width; s += blockDim.x)
        job.beta(n, t, s) = ctc_beta(job, n, t, s);
      __syncthreads();
    }
  }
}

/// i: (step, line, class), then (step, line, position).
struct CtcPlain {
  CtcJob job;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const std::int64_t line = i / job.classes;
    ctc_plain(job, line / job.batch, line % job.batch, i % job.classes);
  }
};
struct CtcGather {
  CtcJob job;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const std::int64_t line = i / job.width;
    ctc_gather(job, line / job.batch, line % job.batch, i % job.width);
  }
};

unsigned blocks_of(const CtcJob& job) {
  const std::int64_t most = other_launches() ? 2 : 65536;
  return static_cast<unsigned>(job.batch < most ? job.batch : most);
}
unsigned threads_of(const CtcJob& job) {
  if (other_launches()) return 32;
  return static_cast<unsigned>((job.width < kMostThreads ? job.width + 31 : kMostThreads) / 32 * 32);
}

}  // namespace

Status ctc_alphas_cuda(const CtcJob& job, const Place& place) {
  alphas_kernel<<<blocks_of(job), threads_of(job), 0, stream_of(place)>>>(job);
  return launched();
}

Status ctc_gradient_cuda(const CtcJob& job, const Place& place) {
  betas_kernel<<<blocks_of(job), threads_of(job), 0, stream_of(place)>>>(job);
  Status status = launched();
  const std::int64_t lines = job.steps * job.batch;
  if (status == Status::ok) status = each_cuda(place, lines * job.classes, CtcPlain{job});
  return status == Status::ok ? each_cuda(place, lines * job.width, CtcGather{job}) : status;
}

}  // namespace assay::kernels
