// R1 down many columns on CUDA: a thread owns four columns and eight leaves of them, a leaf's eight rows are
// read at once, and a warp's lanes read 512 bytes side by side. The last halving steps join the 16 warps
// through shared memory.
#include <cuda_runtime.h>

#include "kernels/reduce/columns.cuh"
#include "kernels/reduce/finish.cuh"
#include "kernels/reduce/reduce_cuda.hpp"

namespace assay::kernels {

namespace {

constexpr int kWarps = 16;
constexpr int kChain = static_cast<int>(kBlock / kLeaves);

template <Map M>
__device__ __forceinline__ float mapped(float x, float centre) {
  Recipe recipe;
  recipe.map = M;
  return term_of(recipe, x, centre);
}

struct Four {
  float v[4];
};

template <Join J>
__device__ __forceinline__ Four joined(const Four& a, const Four& b) {
  Four c;
#pragma unroll
  for (int k = 0; k < 4; ++k) c.v[k] = join_terms(J, a.v[k], b.v[k]);
  return c;
}

/// Leaf `j` of a block of `count` rows at p; neutral where there is none.
template <typename T, Map M, Join J>
__device__ __forceinline__ Four leaf_of(const T* p, std::int64_t stride, int j, int count,
                                        const float (&centre)[4]) {
  float x[kChain][4];
#pragma unroll
  for (int r = 0; r < kChain; ++r)
    if (j + r * static_cast<int>(kLeaves) < count) load_four(x[r], p + (j + r * kLeaves) * stride);
  Four leaf;
#pragma unroll
  for (int k = 0; k < 4; ++k) leaf.v[k] = neutral_of(J);
#pragma unroll
  for (int r = 0; r < kChain; ++r)
    if (j + r * static_cast<int>(kLeaves) < count)
#pragma unroll
      for (int k = 0; k < 4; ++k) leaf.v[k] = join_terms(J, leaf.v[k], mapped<M>(x[r][k], centre[k]));
  return leaf;
}

template <typename T, Map M, Join J>
__global__ void __launch_bounds__(kWarps * 32, 1) wide_columns(const __grid_constant__ ReduceJob job) {
  __shared__ float4 classes[kWarps][32];
  const ReducePlan& plan = job.plan;
  const int lane = threadIdx.x & 31, warp = threadIdx.x / 32;
  const std::int64_t tile = blockIdx.x / job.chunks, chunk = blockIdx.x - tile * job.chunks;
  const std::int64_t column = tile * kWideColumns + 4 * lane;
  const bool there = column < plan.kept;
  float centre[4] = {};
  if (there && job.centre)
#pragma unroll
    for (int k = 0; k < 4; ++k) centre[k] = job.centre[column + k];
  const std::int64_t stride = plan.stride[0], begin = chunk * job.chunk;
  const std::int64_t end = begin + job.chunk < plan.n ? begin + job.chunk : plan.n;
  const T* in = static_cast<const T*>(job.in) + column;
  DeviceTree<J> tree;  // thread (k, lane): column 4 * lane + k of the tile, for warps k < 4
  for (std::int64_t at = begin; at < end; at += kBlock) {
    const int count = !there ? 0 : static_cast<int>(end - at < kBlock ? end - at : kBlock);
    const T* p = in + at * stride;
    const auto pair = [&](int j) {  // halving by 64
      const Four first = leaf_of<T, M, J>(p, stride, j, count, centre);
      return joined<J>(first, leaf_of<T, M, J>(p, stride, j + 64, count, centre));
    };
    const auto quad = [&](int j) {  // and by 32
      const Four first = pair(j);
      return joined<J>(first, pair(j + 32));
    };
    Four a = quad(warp);
    a = joined<J>(a, quad(warp + 16));
    classes[warp][lane] = make_float4(a.v[0], a.v[1], a.v[2], a.v[3]);
    __syncthreads();
    if (warp < 4) {
      const float* mine = &classes[0][0].x + 4 * lane + warp;
      float v[kWarps];
#pragma unroll
      for (int w = 0; w < kWarps; ++w) v[w] = mine[w * kWideColumns];
#pragma unroll
      for (int half = kWarps / 2; half > 0; half /= 2)
#pragma unroll
        for (int w = 0; w < half; ++w) v[w] = join_terms(J, v[w], v[w + half]);
      tree.push(v[0]);
    }
    __syncthreads();
  }
  const std::int64_t kept = column + warp;
  if (warp >= 4 || !there) return;
  const float value = tree.top(job.recipe.empty);
  if (job.chunks > 1)
    job.partials[kept * job.chunks + chunk] = value;
  else
    finish_kept(job, kept, value);
}

template <typename T>
void launch(const ReduceJob& job, cudaStream_t stream) {
  const auto grid = static_cast<unsigned>(job.tiles * job.chunks);
  if (job.recipe.map == Map::square)
    wide_columns<T, Map::square, Join::add><<<grid, kWarps * 32, 0, stream>>>(job);
  else if (job.recipe.map == Map::deviation)
    wide_columns<T, Map::deviation, Join::add><<<grid, kWarps * 32, 0, stream>>>(job);
  else
    wide_columns<T, Map::identity, Join::add><<<grid, kWarps * 32, 0, stream>>>(job);
}

}  // namespace

bool cuda::takes_wide_columns(const ReduceJob& job) {
  const ReducePlan& plan = job.plan;
  if (plan.kept_rank != 1 || plan.kept_in[0] != 1 || plan.rank != 1 || plan.kept < 64 || plan.n < 128)
    return false;
  if (job.recipe.join != Join::add ||
      (job.recipe.map != Map::identity && job.recipe.map != Map::square && job.recipe.map != Map::deviation))
    return false;
  if (job.in_type != Type::f32 && job.in_type != Type::bf16) return false;
  return plan.kept % 4 == 0 && plan.stride[0] % 4 == 0 && plan.stride[0] != 1 &&
         reinterpret_cast<std::uintptr_t>(job.in) % static_cast<std::uintptr_t>(4 * size_of(job.in_type)) ==
             0;
}

Status cuda::launch_wide_columns(const ReduceJob& job, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  if (job.in_type == Type::bf16)
    launch<std::uint16_t>(job, on);
  else
    launch<float>(job, on);
  return Status::ok;
}

}  // namespace assay::kernels
