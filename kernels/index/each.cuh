// The device side of each.hpp, and what every launch here ends with.
#pragma once

#include <cuda_runtime.h>

#include "kernels/core/launch.hpp"
#include "kernels/index/each.hpp"

namespace assay::kernels {

inline Status launched() {
  const cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) return Status::ok;
  return error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver ? Status::no_cuda
                                                                            : Status::cuda_failed;
}

inline cudaStream_t stream_of(const Place& place) { return static_cast<cudaStream_t>(place.stream); }

inline constexpr int kBlock = 256;

/// Blocks for `count` items, one a thread; more items than 2^20 blocks hold are walked by a stride of the
/// grid.
inline unsigned blocks_for(std::int64_t count, int block = kBlock) {
  const std::int64_t blocks = (count + block - 1) / block;
  if (other_launches()) return blocks < 13 ? static_cast<unsigned>(blocks < 1 ? 1 : blocks) : 13;
  return static_cast<unsigned>(blocks < 1 ? 1 : blocks > (1 << 20) ? 1 << 20 : blocks);
}

template <typename F>
__global__ void __launch_bounds__(kBlock) each_kernel(const __grid_constant__ F f, std::int64_t count) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) f(i);
}

template <typename F>
Status each_cuda(const Place& place, std::int64_t count, const F& f) {
  const int block = other_launches() ? 64 : kBlock;
  each_kernel<F><<<blocks_for(count, block), static_cast<unsigned>(block), 0, stream_of(place)>>>(f, count);
  return launched();
}

#define ASSAY_EACH_CUDA(F) template Status each_cuda<F>(const Place&, std::int64_t, const F&)

}  // namespace assay::kernels
