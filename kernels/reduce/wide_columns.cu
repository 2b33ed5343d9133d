// R1 down many columns on CUDA: a thread owns four columns and eight leaves of them (of bf16 sixteen, in half
// as many warps, so that a processor has two thread blocks and one reads while the other joins), a leaf's
// eight rows are read at once, and a warp's lanes read 512 bytes side by side. The last halving steps join
// the warps through shared memory.
#include <cuda_runtime.h>
#include <type_traits>

#include "kernels/core/after.cuh"
#include "kernels/reduce/columns.cuh"
#include "kernels/reduce/finish.cuh"
#include "kernels/reduce/reduce_cuda.hpp"

namespace assay::kernels {

namespace {

template <typename T>
inline constexpr int kWarps = sizeof(T) == 2 ? 8 : 16;
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

/// Four elements as they lie in memory.
__device__ __forceinline__ void widen(float (&x)[4], const float4& v) {
  x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
}
__device__ __forceinline__ void widen(float (&x)[4], const uint2& v) {
  x[0] = float_of(v.x << 16), x[1] = float_of(v.x & 0xffff0000u);
  x[2] = float_of(v.y << 16), x[3] = float_of(v.y & 0xffff0000u);
}

/// Leaves j, j + 64, j + 32 and j + 96 of a block of `count` rows at p, joined by the first two halvings;
/// neutral where there is none. All rows of `kBatch` leaves are asked for before the first is used.
template <typename Raw, Map M, Join J>
__device__ __forceinline__ Four four_leaves(const char* p, std::int64_t stride, int j, int count,
                                            const float (&centre)[4]) {
  constexpr int kBatch = sizeof(Raw) == 8 ? 4 : 2;
  Four leaf[4];
#pragma unroll
  for (int first = 0; first < 4; first += kBatch) {
    Raw raw[kBatch][kChain];
#pragma unroll
    for (int q = 0; q < kBatch; ++q)
#pragma unroll
      for (int r = 0; r < kChain; ++r) {
        const int row = j + ((first + q) & 1) * 64 + ((first + q) >> 1) * 32 + r * static_cast<int>(kLeaves);
        if (row < count) raw[q][r] = *reinterpret_cast<const Raw*>(p + row * stride);
      }
#pragma unroll
    for (int q = 0; q < kBatch; ++q) {
      Four& mine = leaf[first + q];
#pragma unroll
      for (int k = 0; k < 4; ++k) mine.v[k] = neutral_of(J);
#pragma unroll
      for (int r = 0; r < kChain; ++r) {
        const int row = j + ((first + q) & 1) * 64 + ((first + q) >> 1) * 32 + r * static_cast<int>(kLeaves);
        float x[4];
        widen(x, raw[q][r]);
        if (row < count)
#pragma unroll
          for (int k = 0; k < 4; ++k) mine.v[k] = join_terms(J, mine.v[k], mapped<M>(x[k], centre[k]));
      }
    }
  }
  return joined<J>(joined<J>(leaf[0], leaf[1]), joined<J>(leaf[2], leaf[3]));
}

/// The leaves of a block that are j modulo kStep, joined.
template <int kStep, typename Raw, Map M, Join J>
__device__ __forceinline__ Four leaves_of(const char* p, std::int64_t stride, int j, int count,
                                          const float (&centre)[4]) {
  if constexpr (kStep == 32)
    return four_leaves<Raw, M, J>(p, stride, j, count, centre);
  else
    return joined<J>(leaves_of<kStep * 2, Raw, M, J>(p, stride, j, count, centre),
                     leaves_of<kStep * 2, Raw, M, J>(p, stride, j + kStep, count, centre));
}

template <typename T, Map M, Join J>
__global__ void __launch_bounds__(kWarps<T> * 32, 16 / kWarps<T>)
    wide_columns(const __grid_constant__ ReduceJob job) {
  using Raw = std::conditional_t<sizeof(T) == 2, uint2, float4>;
  constexpr int kClasses = kWarps<T>;
  __shared__ float4 classes[kClasses][32];
  let_next_begin();
  const ReducePlan& plan = job.plan;
  const int lane = threadIdx.x & 31, warp = threadIdx.x / 32;
  const std::int64_t tile = blockIdx.x / job.chunks, chunk = blockIdx.x - tile * job.chunks;
  const std::int64_t column = tile * kWideColumns + 4 * lane;
  const bool there = column < plan.kept;
  float centre[4] = {};
  if (there && job.centre)
#pragma unroll
    for (int k = 0; k < 4; ++k) centre[k] = job.centre[column + k];
  const std::int64_t stride = plan.stride[0] * static_cast<std::int64_t>(sizeof(T)),
                     begin = chunk * job.chunk;
  const std::int64_t end = begin + job.chunk < plan.n ? begin + job.chunk : plan.n;
  const char* in = reinterpret_cast<const char*>(static_cast<const T*>(job.in) + column);
  DeviceTree<J> tree;  // thread (k, lane): column 4 * lane + k of the tile, for warps k < 4
  for (std::int64_t at = begin; at < end; at += kBlock) {
    const int count = !there ? 0 : static_cast<int>(end - at < kBlock ? end - at : kBlock);
    const char* p = in + at * stride;
    const Four a = leaves_of<kClasses, Raw, M, J>(p, stride, warp, count, centre);
    classes[warp][lane] = make_float4(a.v[0], a.v[1], a.v[2], a.v[3]);
    __syncthreads();
    if (warp < 4) {
      const float* mine = &classes[0][0].x + 4 * lane + warp;
      float v[kClasses];
#pragma unroll
      for (int w = 0; w < kClasses; ++w) v[w] = mine[w * kWideColumns];
#pragma unroll
      for (int half = kClasses / 2; half > 0; half /= 2)
#pragma unroll
        for (int w = 0; w < half; ++w) v[w] = join_terms(J, v[w], v[w + half]);
      tree.push(v[0]);
    }
    __syncthreads();
  }
  const std::int64_t kept = column + warp;
  if (warp >= 4 || !there) return;
  finish_chunk(job, kept, chunk, tree.top(job.recipe.empty));
}

template <typename T>
void launch(const ReduceJob& job, cudaStream_t stream) {
  const auto grid = static_cast<unsigned>(job.tiles * job.chunks);
  if (job.recipe.map == Map::square)
    wide_columns<T, Map::square, Join::add><<<grid, kWarps<T> * 32, 0, stream>>>(job);
  else if (job.recipe.map == Map::deviation)
    wide_columns<T, Map::deviation, Join::add><<<grid, kWarps<T> * 32, 0, stream>>>(job);
  else
    wide_columns<T, Map::identity, Join::add><<<grid, kWarps<T> * 32, 0, stream>>>(job);
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
