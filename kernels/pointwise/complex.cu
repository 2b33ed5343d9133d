#include "kernels/pointwise/complex.hpp"
#include "kernels/pointwise/dispatch.hpp"
#include "kernels/pointwise/launch.cuh"

namespace assay::kernels::cuda {

namespace {

__device__ __forceinline__ Complex at(const void* data, std::int64_t offset) {
  const float2 z = static_cast<const float2*>(data)[offset];
  return {z.x, z.y};
}

__device__ __forceinline__ void put(void* data, std::int64_t offset, Complex z) {
  static_cast<float2*>(data)[offset] = make_float2(math::canonical(z.re), math::canonical(z.im));
}

__global__ void __launch_bounds__(kThreads) polar_kernel(const __grid_constant__ Walk walk) {
  const std::int64_t step = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t u = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; u < walk.units; u += step) {
    std::int64_t offset[3];
    walk.locate(u, offset);
    put(walk.data[0], offset[0],
        polar_of(static_cast<const float*>(walk.data[1])[offset[1]],
                 static_cast<const float*>(walk.data[2])[offset[2]]));
  }
}

/// Two elements a thread, both read before either is worked on.
__global__ void __launch_bounds__(kThreads) complex_kernel(const __grid_constant__ Walk walk, int op) {
  const std::int64_t step = std::int64_t{gridDim.x} * (2 * kThreads);
  const bool two = walk.operands == 3;
  for (std::int64_t u = std::int64_t{blockIdx.x} * (2 * kThreads) + threadIdx.x; u < walk.units; u += step) {
    const bool there[2] = {true, u + kThreads < walk.units};
    std::int64_t offset[2][3];
    Complex a[2], b[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      if (!there[i]) continue;
      walk.locate(u + i * kThreads, offset[i]);
      a[i] = at(walk.data[1], offset[i][1]);
      b[i] = two ? at(walk.data[2], offset[i][2]) : a[i];
    }
#pragma unroll
    for (int i = 0; i < 2; ++i)
      if (there[i]) put(walk.data[0], offset[i][0], complex_of(op, a[i], b[i]));
  }
}

}  // namespace

Status polar(const Job& job, void* stream) {
  const Walk walk = make_walk(job, 1);
  polar_kernel<<<blocks_for(walk.units, kThreads), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(walk);
  return launched();
}

Status complex_pointwise(const Job& job, int op, void* stream) {
  const Walk walk = make_walk(job, 1);
  complex_kernel<<<blocks_for(walk.units, 2 * kThreads), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      walk, op);
  return launched();
}

}  // namespace assay::kernels::cuda
