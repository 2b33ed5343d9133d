#include <cuda_runtime.h>

#include "kernels/core/after.cuh"
#include "kernels/core/launch.hpp"
#include "kernels/reduce/nll.hpp"
#include "kernels/reduce/tree.cuh"

namespace assay::kernels {

namespace {

/// Traps on a target outside the classes, as ATen's kernels do.
__device__ __forceinline__ std::int64_t checked(const NllJob& job, std::int64_t target) {
  if (target != job.ignored && (target < 0 || target >= job.classes)) __trap();
  return target;
}

__global__ void rows_kernel(const __grid_constant__ NllJob job) {
  let_next_begin();
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= job.rows) return;
  checked(job, job.target[i * job.target_step]);
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

constexpr int kLeafThreads = static_cast<int>(kLeaves);  ///< a thread a leaf
constexpr int kMostBlocks = static_cast<int>(cuda::kFinishRows / kBlock);
static_assert(kMostBlocks <= 64 && 2 * kMostBlocks == cuda::kFinishFloats);

/// A leaf of a block of R1, from row `first` on. `read(i)` is asked for together, before any becomes a term.
template <typename Raw, typename Read, typename Term>
__device__ __forceinline__ float leaf_of_rows(std::int64_t first, std::int64_t rows, Read&& read,
                                              Term&& term) {
  constexpr int kRounds = static_cast<int>(kBlock / kLeaves);
  Raw raw[kRounds];
#pragma unroll
  for (int k = 0; k < kRounds; ++k)
    if (first + k * kLeaves < rows) raw[k] = read(first + k * kLeaves);
  float leaf = neutral_of(Join::add);
#pragma unroll
  for (int k = 0; k < kRounds; ++k)
    if (first + k * kLeaves < rows) leaf = leaf + term(raw[k]);
  return leaf;
}

/// A block's value of its leaves, in each lane.
__device__ __forceinline__ float halve_leaves(const float (&leaves)[kLeafThreads], int lane) {
  float one = (leaves[lane] + leaves[lane + 64]) + (leaves[lane + 32] + leaves[lane + 96]);
#pragma unroll
  for (int o = 16; o > 0; o /= 2) one = one + __shfl_xor_sync(kAllLanes, one, o);
  return one;
}

struct Sums {
  bool mean;
  void *out, *total;
  Type out_type, total_type;
};
__device__ void store_sums(const Sums& sums, std::int64_t rows, float losses, float weights) {
  const float loss = rows > 0 ? canonical(losses) : 0.0f, weight = rows > 0 ? canonical(weights) : 0.0f;
  store_number(sums.total, sums.total_type, 0, weight);
  store_number(sums.out, sums.out_type, 0, sums.mean ? divided(loss, weight) : loss);
}

/// A thread block a block of R1: losses by the first half of the threads, weights by the second. `partials`:
/// the losses' values, kMostBlocks on the weights'; a single block needs none.
__global__ void __launch_bounds__(2 * kLeafThreads)
    sum_kernel(const __grid_constant__ NllJob job, const __grid_constant__ Sums sums, const float* losses,
               float* partials) {
  __shared__ float leaves[2][kLeafThreads], values[2];
  wait_for_previous();
  let_next_begin();
  const int which = threadIdx.x / kLeafThreads, t = threadIdx.x % kLeafThreads;
  const std::int64_t first = blockIdx.x * kBlock + t;
  float leaf;
  if (which)
    leaf = leaf_of_rows<std::int64_t>(
        first, job.rows, [&](std::int64_t i) { return job.target[i * job.target_step]; },
        [&](std::int64_t target) { return nll_weight(job, checked(job, target)); });
  else
    leaf = leaf_of_rows<float>(
        first, job.rows, [&](std::int64_t i) { return losses[i]; }, [](float x) { return x; });
  leaves[which][t] = leaf;
  __syncthreads();
  const float value = halve_leaves(leaves[which], t % 32);
  if (t == 0) (gridDim.x > 1 ? partials[which * kMostBlocks + blockIdx.x] : values[which]) = value;
  if (gridDim.x > 1) return;
  __syncthreads();
  if (threadIdx.x == 0) store_sums(sums, job.rows, values[0], values[1]);
}

/// Joins what the blocks of sum_kernel left: a warp the losses, another the weights.
__global__ void __launch_bounds__(64)
    join_kernel(const __grid_constant__ Sums sums, std::int64_t rows, int blocks, const float* partials) {
  __shared__ float values[2];
  wait_for_previous();
  const int which = threadIdx.x / 32, lane = threadIdx.x % 32;
  const auto at = [&](int b) {
    return b < blocks ? partials[which * kMostBlocks + b] : neutral_of(Join::add);
  };
  const float value = join_lanes<Join::add>(at(2 * lane) + at(2 * lane + 1));
  if (lane == 0) values[which] = value;
  __syncthreads();
  if (threadIdx.x == 0) store_sums(sums, rows, values[0], values[1]);
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

Status cuda::finish_sums(const NllJob& job, const float* losses, bool mean, const View& out,
                         const View& total_weight, float* partials, const Place& place) {
  const auto stream = static_cast<cudaStream_t>(place.stream);
  const Sums sums{mean, out.data, total_weight.data, out.type, total_weight.type};
  const auto blocks = static_cast<unsigned>(job.rows > kBlock ? (job.rows + kBlock - 1) / kBlock : 1);
  launch_early(sum_kernel, blocks, 2 * kLeafThreads, stream, job, sums, losses, partials);
  if (blocks > 1)
    launch_early(join_kernel, 1, 64, stream, sums, job.rows, static_cast<int>(blocks), partials);
  return launched();
}

}  // namespace assay::kernels
