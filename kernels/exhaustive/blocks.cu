#include <cuda_runtime.h>

#include "kernels/exhaustive/blocks.hpp"

namespace assay::kernels::exhaustive {

namespace {

constexpr unsigned kThreads = 256, kParts = 64;  // grid: kParts x blocks

__global__ void fill(const std::uint32_t* numbers, float* values) {
  const std::uint32_t number = numbers[blockIdx.y];
  float* const out = values + static_cast<std::int64_t>(blockIdx.y) * kBlockSize;
  for (std::uint32_t i = blockIdx.x * kThreads + threadIdx.x; i < kBlockSize; i += kParts * kThreads)
    out[i] = float_of(number << 20 | i);
}

// Integers modulo 2^64: atomics in any order give one sum.
__global__ void hash(const std::uint32_t* numbers, const float* values, std::uint64_t* hashes) {
  const std::uint32_t number = numbers[blockIdx.y];
  const float* const in = values + static_cast<std::int64_t>(blockIdx.y) * kBlockSize;
  std::uint64_t sum = 0;
  for (std::uint32_t i = blockIdx.x * kThreads + threadIdx.x; i < kBlockSize; i += kParts * kThreads)
    sum += part_of_hash(number << 20 | i, in[i]);
  for (int step = 16; step; step /= 2) sum += __shfl_down_sync(0xffffffff, sum, step);
  if (threadIdx.x % 32 == 0)
    atomicAdd(reinterpret_cast<unsigned long long*>(hashes) + blockIdx.y,
              static_cast<unsigned long long>(sum));
}

}  // namespace

bool fill_blocks_cuda(const std::uint32_t* numbers, std::int64_t count, float* values) {
  fill<<<dim3(kParts, static_cast<unsigned>(count)), kThreads>>>(numbers, values);
  return cudaGetLastError() == cudaSuccess;
}

bool hash_blocks_cuda(const std::uint32_t* numbers, std::int64_t count, const float* values,
                      std::uint64_t* hashes) {
  if (cudaMemsetAsync(hashes, 0, static_cast<std::size_t>(count) * sizeof *hashes, nullptr) != cudaSuccess)
    return false;
  hash<<<dim3(kParts, static_cast<unsigned>(count)), kThreads>>>(numbers, values, hashes);
  return cudaGetLastError() == cudaSuccess;
}

}  // namespace assay::kernels::exhaustive
