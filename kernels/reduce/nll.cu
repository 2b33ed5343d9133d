#include <cuda_runtime.h>

#include "kernels/reduce/nll.hpp"

namespace assay::kernels {

namespace {

__global__ void rows_kernel(const __grid_constant__ NllJob job) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= job.rows) return;
  const std::int64_t target = job.target[i * job.target_step];
  if (target != job.ignored && (target < 0 || target >= job.classes)) __trap();
  nll_row(job, i);
}

__global__ void backward_kernel(const __grid_constant__ NllJob job) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= job.rows * job.classes) return;
  const std::int64_t i = at / job.classes;
  nll_backward_element(job, i, at - i * job.classes);
}

__global__ void store_kernel(const float* value, const float* total, void* out, Type type) {
  store_number(out, type, 0, total ? divided(*value, *total) : *value);
}

Status launched() { return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed; }

}  // namespace

Status cuda::nll_rows(const NllJob& job, const Place& place) {
  rows_kernel<<<static_cast<unsigned>((job.rows + 255) / 256), 256, 0,
                static_cast<cudaStream_t>(place.stream)>>>(job);
  return launched();
}

Status cuda::nll_backward(const NllJob& job, const Place& place) {
  const std::int64_t grid = (job.rows * job.classes + 255) / 256;
  if (grid > 0x7fffffff) return Status::bad_shape;
  backward_kernel<<<static_cast<unsigned>(grid), 256, 0, static_cast<cudaStream_t>(place.stream)>>>(job);
  return launched();
}

Status cuda::store_loss(const float* value, const float* total, const View& out, const Place& place) {
  store_kernel<<<1, 1, 0, static_cast<cudaStream_t>(place.stream)>>>(value, total, out.data, out.type);
  return launched();
}

}  // namespace assay::kernels
