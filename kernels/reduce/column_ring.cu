// R1 down many columns on CUDA where memory is aligned: a thread owns the columns of 16 bytes and eight
// leaves of them. What it reads comes through a ring in shared memory, where it alone looks for it: a leaf's
// eight rows at a time, the next leaves' on their way while one is joined, across blocks of R1 too. (In
// registers, as in wide_columns.cu, nothing is on its way while what has come is joined.)
#include <cuda_runtime.h>

#include "kernels/core/after.cuh"
#include "kernels/reduce/columns.cuh"
#include "kernels/reduce/finish.cuh"
#include "kernels/reduce/reduce_cuda.hpp"

namespace assay::kernels {

namespace {

constexpr int kWarps = 16, kThreads = kWarps * 32;
constexpr int kChain = static_cast<int>(kBlock / kLeaves);  ///< rows of a leaf
constexpr int kOwn =
    static_cast<int>(kLeaves) / kWarps;  ///< leaves of a thread: its warp's number modulo kWarps
constexpr int kStages = 3;               ///< leaves of the ring
constexpr int kRingBytes = kStages * kChain * kThreads * 16;

template <typename T>
using Columns = float[kSixteenBytes<T>];

extern __shared__ uint4 ring[];

/// The leaf that is read n-th: leaves that are joined follow one another.
__device__ __forceinline__ constexpr int leaf_of(int n) { return (n & 1) * 4 + (n & 2) + (n >> 2 & 1); }

template <int N>
__device__ __forceinline__ void add_to(float (&a)[N], const float (&b)[N]) {
#pragma unroll
  for (int k = 0; k < N; ++k) a[k] = a[k] + b[k];
}

template <typename T, Map M>
struct Worker {
  const char* in;       ///< the thread's columns of the chunk's first row
  std::int64_t stride;  ///< bytes
  int rows;             ///< of the chunk
  int warp;
  Columns<T> centre;

  /// Row r of leaf n of a block.
  __device__ __forceinline__ int row_of(int block, int n, int r) const {
    return block * static_cast<int>(kBlock) + leaf_of(n) * kWarps + warp + r * static_cast<int>(kLeaves);
  }
  __device__ __forceinline__ uint4* slot(int block, int n) const {
    const auto stage = static_cast<unsigned>(block * kOwn + n) % kStages;
    return ring + (stage * (kChain * kThreads) + threadIdx.x);
  }
  /// Leaf n of a block; beyond kOwn those of the next one.
  __device__ __forceinline__ void ask(int block, int n) const {
    block += n / kOwn, n %= kOwn;
    const auto to = static_cast<unsigned>(__cvta_generic_to_shared(slot(block, n)));
#pragma unroll
    for (int r = 0; r < kChain; ++r) {
      const int row = row_of(block, n, r);
      if (row < rows)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to + r * kThreads * 16),
                     "l"(in + row * stride)
                     : "memory");
    }
    asm volatile("cp.async.commit_group;" ::: "memory");  // an empty one too: they are counted
  }
  /// A leaf, once it is there; then a later one is asked for in its place.
  __device__ __forceinline__ void take(int block, int n, Columns<T>& leaf) const {
    asm volatile("cp.async.wait_group %0;" ::"n"(kStages - 1) : "memory");
    const uint4* const from = slot(block, n);
#pragma unroll
    for (int k = 0; k < kSixteenBytes<T>; ++k) leaf[k] = neutral_of(Join::add);
    Recipe recipe;
    recipe.map = M;
#pragma unroll
    for (int r = 0; r < kChain; ++r) {
      if (row_of(block, n, r) >= rows) continue;
      Columns<T> x;
      widen(x, from[r * kThreads]);
#pragma unroll
      for (int k = 0; k < kSixteenBytes<T>; ++k) leaf[k] = leaf[k] + term_of(recipe, x[k], centre[k]);
    }
    ask(block, n + kStages);
  }
  /// The thread's leaves of a block, joined: the halvings by 64, 32 and 16.
  __device__ __forceinline__ void join_leaves(int block, Columns<T>& all) const {
    Columns<T> second, leaf;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      Columns<T>& sum = half ? second : all;
      Columns<T> other;
      take(block, 4 * half, sum);
      take(block, 4 * half + 1, leaf);
      add_to(sum, leaf);
      take(block, 4 * half + 2, other);
      take(block, 4 * half + 3, leaf);
      add_to(other, leaf);
      add_to(sum, other);
    }
    add_to(all, second);
  }
};

template <typename T, Map M>
__global__ void __launch_bounds__(kThreads, 1) column_ring(const __grid_constant__ ReduceJob job) {
  constexpr int kTile = kRingColumns<T>;
  __shared__ __align__(16) float classes[kWarps][kTile];
  let_next_begin();
  const ReducePlan& plan = job.plan;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const std::int64_t tile = quotient_of(blockIdx.x, job.chunks), chunk = blockIdx.x - tile * job.chunks;
  const std::int64_t column = tile * kTile + kSixteenBytes<T> * lane, begin = chunk * job.chunk;
  const bool there = column < plan.kept;
  const auto rows = static_cast<int>(min(job.chunk, plan.n - begin));
  const int blocks = (rows + static_cast<int>(kBlock) - 1) / static_cast<int>(kBlock);
  Worker<T, M> worker;
  worker.stride = plan.stride[0] * static_cast<std::int64_t>(sizeof(T));
  worker.in = reinterpret_cast<const char*>(static_cast<const T*>(job.in) + column) + begin * worker.stride;
  worker.rows = there ? rows : 0, worker.warp = warp;
#pragma unroll
  for (int k = 0; k < kSixteenBytes<T>; ++k)
    worker.centre[k] = there && job.centre ? job.centre[column + k] : 0;
#pragma unroll
  for (int n = 0; n < kStages; ++n) worker.ask(0, n);
  DeviceTree<Join::add> tree;  // of thread t: column t of the tile
  for (int b = 0; b < blocks; ++b) {
    Columns<T> all;
    worker.join_leaves(b, all);
#pragma unroll
    for (int k = 0; k < kSixteenBytes<T>; k += 4)
      *reinterpret_cast<float4*>(&classes[warp][kSixteenBytes<T> * lane + k]) =
          make_float4(all[k], all[k + 1], all[k + 2], all[k + 3]);
    __syncthreads();
    if (threadIdx.x < kTile) {
      float v[kWarps];
#pragma unroll
      for (int w = 0; w < kWarps; ++w) v[w] = classes[w][threadIdx.x];
      tree.push(halved(v, joined<Join::add>));
    }
    __syncthreads();
  }
  const std::int64_t kept = tile * kTile + threadIdx.x;
  if (threadIdx.x >= kTile || kept >= plan.kept) return;
  finish_chunk(job, kept, chunk, tree.top(job.recipe.empty));
}

template <typename T>
auto kernel_of(Map map) {
  return map == Map::square      ? column_ring<T, Map::square>
         : map == Map::deviation ? column_ring<T, Map::deviation>
                                 : column_ring<T, Map::identity>;
}

bool has_room(const ReduceJob& job) {
  const Map map = job.recipe.map;
  return job.in_type == Type::bf16 ? makes_room(kernel_of<std::uint16_t>(map), kRingBytes)
                                   : makes_room(kernel_of<float>(map), kRingBytes);
}

}  // namespace

/// Fewer columns than half a tile leave too many threads without any.
bool cuda::takes_column_ring(const ReduceJob& job) {
  const std::int64_t each = 16 / size_of(job.in_type);
  return takes_wide_columns(job) && job.plan.kept % each == 0 && job.plan.kept >= 16 * each &&
         job.plan.stride[0] % each == 0 && job.plan.n >= kBlock && job.plan.n < (std::int64_t{1} << 30) &&
         reinterpret_cast<std::uintptr_t>(job.in) % 16 == 0 && has_room(job);
}

Status cuda::launch_column_ring(const ReduceJob& job, void* stream) {
  const auto grid = static_cast<unsigned>(job.tiles * job.chunks);
  const auto run = [&](auto kernel) {
    kernel<<<grid, kThreads, kRingBytes, static_cast<cudaStream_t>(stream)>>>(job);
  };
  if (job.in_type == Type::bf16)
    run(kernel_of<std::uint16_t>(job.recipe.map));
  else
    run(kernel_of<float>(job.recipe.map));
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace assay::kernels
