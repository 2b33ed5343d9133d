#include <cuda_runtime.h>

#include "kernels/core/launch.hpp"
#include "kernels/reduce/nll.hpp"
#include "kernels/reduce/tree.cuh"

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

__global__ void backward_rows_kernel(const __grid_constant__ NllJob job) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < job.rows) nll_backward_row(job, i);
}

__global__ void store_kernel(const float* value, const float* total, void* out, Type type) {
  store_number(out, type, 0, total ? divided(*value, *total) : *value);
}

constexpr int kFinishThreads = 1024, kHalf = 16;  ///< warps of each sum

/// R1 over losses (the first half of the warps) and weights (the others), a warp a block of it in turn.
__global__ void __launch_bounds__(kFinishThreads)
    finish_kernel(const float* losses, const float* weights, std::int64_t rows, bool mean, void* out,
                  Type out_type, void* total, Type total_type) {
  __shared__ float sums[2][64];
  const int lane = threadIdx.x & 31, warp = threadIdx.x / 32, which = warp / kHalf;
  const float* x = which ? weights : losses;
  for (int b = warp % kHalf; b < 64; b += kHalf) {
    float leaf[4];
#pragma unroll
    for (int c = 0; c < 4; ++c) leaf[c] = neutral_of(Join::add);
    for (std::int64_t i = b * kBlock + 4 * lane; i < rows && i < (b + 1) * kBlock; i += kLeaves)
#pragma unroll
      for (int c = 0; c < 4; ++c)
        if (i + c < rows) leaf[c] = leaf[c] + x[i + c];
    const float value = halve_warp<Join::add>(leaf, lane);
    if (lane == 0) sums[which][b] = value;
  }
  __syncthreads();
  if (warp % kHalf) return;
  const float value = join_blocks(Join::add, sums[which], lane);
  __syncwarp();
  if (lane == 0) sums[which][0] = rows > 0 ? canonical(value) : 0.0f;
  asm volatile("bar.sync 1, 64;" ::: "memory");  // the two warps that are left
  if (lane > 0) return;
  if (which)
    store_number(total, total_type, 0, sums[1][0]);
  else
    store_number(out, out_type, 0, mean ? divided(sums[0][0], sums[1][0]) : sums[0][0]);
}

Status launched() { return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed; }

}  // namespace

Status cuda::nll_rows(const NllJob& job, const Place& place) {
  const unsigned threads = other_launches() ? 64 : 256;
  rows_kernel<<<static_cast<unsigned>((job.rows + threads - 1) / threads), threads, 0,
                static_cast<cudaStream_t>(place.stream)>>>(job);
  return launched();
}

Status cuda::nll_backward(const NllJob& job, const Place& place) {
  const unsigned threads = other_launches() ? 64 : 256;
  const auto stream = static_cast<cudaStream_t>(place.stream);
  const auto blocks_of = [&](std::int64_t items) { return (items + threads - 1) / threads; };
  // Zeros first, then a row's one number: 0 is all bits 0.
  const bool at_once = job.out.stride[1] == 1 && job.out.stride[0] == job.classes && !other_launches();
  const std::int64_t grid = blocks_of(at_once ? job.rows : job.rows * job.classes);
  if (grid > 0x7fffffff) return Status::bad_shape;
  if (at_once) {
    const auto bytes =
        static_cast<std::size_t>(job.rows * job.classes) * static_cast<std::size_t>(size_of(job.out.type));
    cudaMemsetAsync(job.out.data, 0, bytes, stream);  // `launched` sees an error
    backward_rows_kernel<<<static_cast<unsigned>(grid), threads, 0, stream>>>(job);
  } else {
    backward_kernel<<<static_cast<unsigned>(grid), threads, 0, stream>>>(job);
  }
  return launched();
}

Status cuda::store_loss(const float* value, const float* total, const View& out, const Place& place) {
  store_kernel<<<1, 1, 0, static_cast<cudaStream_t>(place.stream)>>>(value, total, out.data, out.type);
  return launched();
}

Status cuda::finish_sums(const float* losses, const float* weights, std::int64_t rows, bool mean,
                         const View& out, const View& total_weight, const Place& place) {
  finish_kernel<<<1, kFinishThreads, 0, static_cast<cudaStream_t>(place.stream)>>>(
      losses, weights, rows, mean, out.data, out.type, total_weight.data, total_weight.type);
  return launched();
}

}  // namespace assay::kernels
