// The table's formulas as CUDA kernels: two a formula.
#pragma once

#include "kernels/pointwise/dispatch.hpp"
#include "kernels/pointwise/functors.hpp"
#include "kernels/pointwise/launch.cuh"

namespace assay::kernels::cuda {

template <typename F, int kInputs>
__device__ __forceinline__ float formula(const float (&x)[kInputs], const float (&s)[kMaxScalars]) {
  return ops::element<F>(x[0], x[kInputs > 1 ? 1 : 0], x[kInputs > 2 ? 2 : 0], s[0], s[1], s[2], s[3]);
}

template <typename F, int kInputs>
__global__ void __launch_bounds__(kThreads) vector_kernel(const __grid_constant__ Walk walk) {
  const std::int64_t step = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t u = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; u < walk.units; u += step) {
    std::int64_t offset[kInputs + 1];
    walk.locate(u, offset);
    float x[kInputs][kVector], y[kVector];
#pragma unroll
    for (int k = 0; k < kInputs; ++k)
      load_vector(walk.data[k + 1], walk.type[k + 1], offset[k + 1], walk.stride[k + 1][walk.rank - 1] == 0,
                  x[k]);
#pragma unroll
    for (int v = 0; v < kVector; ++v) {
      float one[kInputs];
#pragma unroll
      for (int k = 0; k < kInputs; ++k) one[k] = x[k][v];
      y[v] = formula<F, kInputs>(one, walk.scalars);
    }
    store_vector(walk.data[0], walk.type[0], offset[0], y);
  }
}

template <typename F, int kInputs>
__global__ void __launch_bounds__(kThreads)
    element_kernel(const __grid_constant__ Walk walk, std::int64_t begin) {
  const std::int64_t step = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t u = begin + std::int64_t{blockIdx.x} * kThreads + threadIdx.x; u < walk.units;
       u += step) {
    std::int64_t offset[kInputs + 1];
    walk.locate(u, offset);
    float x[kInputs];
#pragma unroll
    for (int k = 0; k < kInputs; ++k) x[k] = load_float(walk.data[k + 1], walk.type[k + 1], offset[k + 1]);
    store_float(walk.data[0], walk.type[0], offset[0], formula<F, kInputs>(x, walk.scalars));
  }
}

using VectorKernel = void (*)(Walk);
using ElementKernel = void (*)(Walk, std::int64_t);
struct Kernels {
  VectorKernel vector;
  ElementKernel element;
};

static Status launch(const Kernels& kernels, const Job& job, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  std::int64_t done = 0;
  if (vector_ready(job)) {
    const Walk walk = make_walk(job, kVector);
    kernels.vector<<<blocks_for(walk.units, kThreads), kThreads, 0, on>>>(walk);
    done = walk.units * kVector;
  }
  if (done < job.count) {
    const Walk walk = make_walk(job, 1);
    kernels.element<<<blocks_for(job.count - done, kThreads), kThreads, 0, on>>>(walk, done);
  }
  return launched();
}

}  // namespace assay::kernels::cuda
