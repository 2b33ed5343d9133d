// Sums of squares of many tensors: one launch over the chunks of all of them, one that joins each tensor's.
// (A model has a hundred gradients, most of them small: three launches for each took longer than the
// reading.)
#include <algorithm>
#include <cuda_runtime.h>

#include "kernels/core/after.cuh"
#include "kernels/core/launch.hpp"
#include "kernels/index/layout.hpp"
#include "kernels/reduce/norms.hpp"
#include "kernels/reduce/partials.cuh"

namespace assay::kernels {

namespace {

constexpr int kWarps = 8;  ///< a block of R1 each
constexpr std::int64_t kChunk = kWarps * kBlock;
constexpr int kMost = 64;  ///< tensors of one launch

struct Many {
  const void* data[kMost];
  Type type[kMost];
  std::int64_t size[kMost];
  float* sum[kMost];
  int first[kMost + 1];  ///< chunk; the last: how many there are
  float* partials;       ///< one a chunk
};

/// Elements [at, at + 4) of those below `end`, squared and joined to a lane's leaves.
template <typename T>
__device__ __forceinline__ void join_four(const T* p, std::int64_t at, std::int64_t end, float (&leaf)[4]) {
  float x[4];
  const int there = static_cast<int>(min(end - at, std::int64_t{4}));
  if (there == 4 && reinterpret_cast<std::uintptr_t>(p) % (4 * sizeof(T)) == 0) {
    load_four(x, p + at);
  } else {
#pragma unroll
    for (int c = 0; c < 4; ++c)
      if (c < there) {
        if constexpr (sizeof(T) == 2)
          x[c] = from_bf16(p[at + c]);
        else
          x[c] = p[at + c];
      }
  }
#pragma unroll
  for (int c = 0; c < 4; ++c)
    if (c < there) leaf[c] = join_terms(Join::add, leaf[c], x[c] * x[c]);
}

/// A warp's block of R1: elements [begin, end), 1024 at most.
template <typename T>
__device__ __forceinline__ float squares_of_block(const T* p, std::int64_t begin, std::int64_t end) {
  const int lane = threadIdx.x & 31;
  float leaf[4];
#pragma unroll
  for (int c = 0; c < 4; ++c) leaf[c] = neutral_of(Join::add);
#pragma unroll
  for (int k = 0; k < static_cast<int>(kBlock / kLeaves); ++k) {
    const std::int64_t at = begin + k * static_cast<int>(kLeaves) + 4 * lane;
    if (at < end) join_four(p, at, end, leaf);
  }
  return halve_warp<Join::add>(leaf, lane);
}

__global__ void __launch_bounds__(kWarps * 32) squares_of_chunks(const __grid_constant__ Many many) {
  __shared__ float sums[kWarps];
  let_next_begin();
  int tensor = 0;
  while (static_cast<int>(blockIdx.x) >= many.first[tensor + 1]) ++tensor;
  const int warp = threadIdx.x / 32;
  const std::int64_t begin = (blockIdx.x - many.first[tensor]) * kChunk + warp * kBlock;
  const std::int64_t end = min(begin + kBlock, many.size[tensor]);
  float value = neutral_of(Join::add);
  if (begin < end)
    value = many.type[tensor] == Type::bf16
                ? squares_of_block(static_cast<const std::uint16_t*>(many.data[tensor]), begin, end)
                : squares_of_block(static_cast<const float*>(many.data[tensor]), begin, end);
  if (threadIdx.x % 32 == 0) sums[warp] = value;
  __syncthreads();
  if (threadIdx.x > 0) return;
  for (int width = kWarps / 2; width > 0; width /= 2)
    for (int w = 0; w < width; ++w) sums[w] = join_terms(Join::add, sums[2 * w], sums[2 * w + 1]);
  many.partials[blockIdx.x] = sums[0];
}

__global__ void __launch_bounds__(kJoiners) join_tensors(const __grid_constant__ Many many) {
  wait_for_previous();
  const int tensor = static_cast<int>(blockIdx.x), first = many.first[tensor];
  const std::int64_t chunks = many.first[tensor + 1] - first;
  const float value = join_many<Join::add>(many.partials + first, chunks);
  if (threadIdx.x == 0) *many.sum[tensor] = canonical(value);
}

}  // namespace

bool cuda::takes_squares(const View& tensor) {
  const std::int64_t count = tensor.count();
  return count > 0 && count < (std::int64_t{1} << 31) && is_contiguous(tensor) && !other_launches() &&
         (tensor.type == Type::f32 || tensor.type == Type::bf16);
}

Status cuda::sums_of_squares(std::span<const View> tensors, std::span<float* const> sums,
                             const Place& place) {
  const auto stream = static_cast<cudaStream_t>(place.stream);
  const auto chunks_of = [](const View& tensor) { return (tensor.count() + kChunk - 1) / kChunk; };
  std::int64_t chunks = 0;
  for (const View& tensor : tensors) chunks += chunks_of(tensor);
  auto* partials =
      static_cast<float*>(place.workspace->take(static_cast<std::size_t>(chunks) * sizeof(float)));
  if (!partials) return Status::out_of_memory;
  for (std::size_t begin = 0; begin < tensors.size(); begin += kMost) {
    const auto count = static_cast<int>(std::min<std::size_t>(kMost, tensors.size() - begin));
    Many many{};
    for (int i = 0; i < count; ++i) {
      const View& tensor = tensors[begin + static_cast<std::size_t>(i)];
      many.data[i] = tensor.data, many.type[i] = tensor.type, many.size[i] = tensor.count();
      many.sum[i] = sums[begin + static_cast<std::size_t>(i)];
      many.first[i + 1] = many.first[i] + static_cast<int>(chunks_of(tensor));
    }
    many.partials = partials;
    partials += many.first[count];
    squares_of_chunks<<<static_cast<unsigned>(many.first[count]), kWarps * 32, 0, stream>>>(many);
    launch_early(join_tensors, static_cast<unsigned>(count), kJoiners, stream, many);
  }
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace assay::kernels
