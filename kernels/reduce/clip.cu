#include <cuda_runtime.h>

#include "kernels/reduce/clip_rule.hpp"

namespace assay::kernels {

namespace {

__global__ void clip_kernel(const float* norm, float largest, float* out) {
  *out = clip_factor_of(*norm, largest);
}

}  // namespace

Status cuda::clip_factor(const float* norm, float largest, float* out, const Place& place) {
  clip_kernel<<<1, 1, 0, static_cast<cudaStream_t>(place.stream)>>>(norm, largest, out);
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace assay::kernels
