// The table's formulas as CUDA kernels: four a formula, five of those of two operands.
#pragma once

#include "kernels/pointwise/dispatch.hpp"
#include "kernels/pointwise/turned.cuh"

namespace assay::kernels::cuda {

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
    const bool odd = formulas<F, kInputs, kVector>(x, walk.scalars, y);
    store_vector(walk.data[0], walk.type[0], offset[0], y, odd);
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

/// All fp32: two units of four elements a thread, each warp's side by side.
template <typename F, int kInputs>
__global__ void __launch_bounds__(kThreads) number_kernel(const __grid_constant__ Line line) {
  const std::int64_t first = std::int64_t{blockIdx.x} * (2 * kThreads) + threadIdx.x;
  float4 in[2][kInputs];
#pragma unroll
  for (int j = 0; j < 2; ++j)
    if (first + j * kThreads < line.units)
#pragma unroll
      for (int k = 0; k < kInputs; ++k)
        in[j][k] = static_cast<const float4*>(line.data[k + 1])[first + j * kThreads];
#pragma unroll
  for (int j = 0; j < 2; ++j) {
    if (first + j * kThreads >= line.units) continue;
    float x[kInputs][kVector], y[kVector];
#pragma unroll
    for (int k = 0; k < kInputs; ++k)
      x[k][0] = in[j][k].x, x[k][1] = in[j][k].y, x[k][2] = in[j][k].z, x[k][3] = in[j][k].w;
    formulas<F, kInputs, kVector>(x, line.scalars, y);
    static_cast<float4*>(line.data[0])[first + j * kThreads] = make_float4(y[0], y[1], y[2], y[3]);
  }
}

/// Any of the vector types: eight consecutive elements a thread.
template <typename F, int kInputs>
__global__ void __launch_bounds__(kThreads) eight_kernel(const __grid_constant__ Line line) {
  const std::int64_t unit = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (unit >= line.units) return;
  float x[kInputs][kEight], y[kEight];
#pragma unroll
  for (int k = 0; k < kInputs; ++k) load_eight(line.data[k + 1], line.type[k + 1], unit, x[k]);
  const bool odd = formulas<F, kInputs, kEight>(x, line.scalars, y);
  store_eight(line.data[0], line.type[0], unit, y, odd);
}

/// Two results. Of a function without values below 0, from arguments that may lie there.
template <bool kPositive>
__device__ __forceinline__ std::uint32_t pack_narrow(const float (&x)[kEight], const float (&y)[kEight],
                                                     int v) {
  const std::uint32_t word = pack_bf16(y[v], y[v + 1], false);
  if (!kPositive) return word;
  std::uint32_t signs;  // of either half: its sign sixteen times; __byte_perm knows bytes only
  asm("prmt.b32 %0, %1, %2, 0xffbb;" : "=r"(signs) : "r"(bits_of(x[v])), "r"(bits_of(x[v + 1])));
  return (word & ~signs) | (signs & (std::uint32_t{kNan16} << 16 | kNan16));
}

/// From bf16 to bf16 by a formula for just that, and by F where that one does not reach.
template <typename F>
__global__ void __launch_bounds__(kThreads) narrow_kernel(const __grid_constant__ Line line) {
  using Short = typename ops::Narrow<F>::Formula;
  const std::int64_t unit = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (unit >= line.units) return;
  float x[1][kEight], y[kEight];
  load_eight(line.data[1], Type::bf16, unit, x[0]);
  bool far = false;
#pragma unroll
  for (int v = 0; v < kEight; ++v) {
    y[v] = Short::near(x[0][v]);
    far = far || math::narrow::is_far<Short>(x[0][v]);
  }
  if (far) {
    const bool odd = formulas<F, 1, kEight>(x, line.scalars, y);
    store_eight(line.data[0], Type::bf16, unit, y, odd);
    return;
  }
  std::uint32_t word[kEight / 2];
#pragma unroll
  for (int v = 0; v < kEight; v += 2) word[v / 2] = pack_narrow<Short::kPositive>(x[0], y, v);
  static_cast<uint4*>(line.data[0])[unit] = make_uint4(word[0], word[1], word[2], word[3]);
}

using LineKernel = void (*)(Line);
using VectorKernel = void (*)(Walk);
using ElementKernel = void (*)(Walk, std::int64_t);
using TurnedKernel = void (*)(Turned);
struct Kernels {
  LineKernel numbers;
  LineKernel eights;
  LineKernel narrow;  ///< of bf16 only; null: eights
  VectorKernel vector;
  ElementKernel element;
  TurnedKernel turned;  ///< null: the others do
};

static Status launch_any(const Kernels& kernels, const Job& job, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  std::int64_t done = 0;
  bool numbers = false;
  Turned turned;
  if (is_line(job, numbers) && job.count < (std::int64_t{1} << 40)) {
    const Line line = make_line(job, numbers);
    done = line.units * (numbers ? kVector : kEight);
    const unsigned blocks = line_blocks(line.units, numbers ? 2 * kThreads : kThreads);
    const bool narrow = kernels.narrow && line.type[0] == Type::bf16 && line.type[1] == Type::bf16;
    (numbers ? kernels.numbers : narrow ? kernels.narrow : kernels.eights)<<<blocks, kThreads, 0, on>>>(line);
  } else if (vector_ready(job)) {
    const Walk walk = make_walk(job, kVector);
    kernels.vector<<<blocks_for(walk.units, kThreads), kThreads, 0, on>>>(walk);
    done = walk.units * kVector;
  } else if (kernels.turned && make_turned(job, turned)) {
    kernels.turned<<<line_blocks(turned.walk.units, kTurnedThreads), kTurnedThreads, 0, on>>>(turned);
    done = job.count;
  }
  if (done < job.count) {
    const Walk walk = make_walk(job, 1);
    kernels.element<<<blocks_for(job.count - done, kThreads), kThreads, 0, on>>>(walk, done);
  }
  return launched();
}

template <typename F, int kInputs>
Status launch(const Job& job, void* stream) {
  Kernels kernels{number_kernel<F, kInputs>, eight_kernel<F, kInputs>,   nullptr,
                  vector_kernel<F, kInputs>, element_kernel<F, kInputs>, nullptr};
  if constexpr (!std::is_void_v<typename ops::Narrow<F>::Formula>) kernels.narrow = narrow_kernel<F>;
  if constexpr (kInputs == 2) kernels.turned = turned_kernel<F, kInputs>;
  return launch_any(kernels, job, stream);
}

}  // namespace assay::kernels::cuda
