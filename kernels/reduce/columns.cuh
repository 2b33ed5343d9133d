// R1 down columns on the device, in two ways of sharing a block's 128 leaves out: threadIdx.x is the column,
// threadIdx.y the leaves.
#pragma once

#include "kernels/core/halved.cuh"
#include "kernels/core/launch.hpp"
#include "kernels/reduce/tree.cuh"

namespace assay::kernels {

template <Join J>
__device__ __forceinline__ float joined(float a, float b) {
  return join_terms(J, a, b);
}

/// Many columns: a warp owns the 16 leaves of one class modulo 8; the last halving steps (4, 2, 1) join the
/// classes through shared memory.
struct ManyColumns {
  static constexpr int columns = 32, rows = 8, threads = columns * rows;
  using Shared = float[rows][columns];

  /// The value of one block of `count` <= 1024 rows of this thread's column; right where threadIdx.y is 0.
  /// `raw(r)` reads row r, `term` makes the term of what was read. Called by the whole thread block.
  template <Join J, typename Raw, typename Term>
  static __device__ __forceinline__ float block(int count, bool there, Shared& classes, Raw&& raw,
                                                Term&& term) {
    const int x = threadIdx.x, w = threadIdx.y;
    float leaf[16];
#pragma unroll
    for (int i = 0; i < 16; ++i) leaf[i] = neutral_of(J);
    for (int k = 0; there && k < count; k += static_cast<int>(kLeaves)) {
      decltype(raw(0)) v[16];
#pragma unroll
      for (int i = 0; i < 16; ++i) {
        const int r = k + i * rows + w;
        if (r < count) v[i] = raw(r);
      }
#pragma unroll
      for (int i = 0; i < 16; ++i)
        if (k + i * rows + w < count) leaf[i] = join_terms(J, leaf[i], term(v[i]));
    }
    classes[w][x] = halved(leaf, joined<J>);
    __syncthreads();
    float value = 0;
    if (w == 0) {
      float v[rows];
#pragma unroll
      for (int i = 0; i < rows; ++i) v[i] = classes[i][x];
      value = halved(v, joined<J>);
    }
    __syncthreads();
    return value;
  }
};

/// Few columns, so that there are more thread blocks: a thread owns leaves j and j + 64, and all of its rows
/// are read before the first is used.
struct FewColumns {
  static constexpr int columns = 8, rows = 64, threads = columns * rows;
  using Shared = float[rows][columns];

  /// As that of ManyColumns.
  template <Join J, typename Raw, typename Term>
  static __device__ __forceinline__ float block(int count, bool there, Shared& leaves, Raw&& raw,
                                                Term&& term) {
    constexpr int kChain = static_cast<int>(kBlock / kLeaves), kLeaf = static_cast<int>(kLeaves);
    const int x = threadIdx.x, w = threadIdx.y;
    if (!there) count = 0;
    decltype(raw(0)) v[2][kChain];
#pragma unroll
    for (int i = 0; i < kChain; ++i)
#pragma unroll
      for (int h = 0; h < 2; ++h)
        if (const int r = i * kLeaf + h * rows + w; r < count) v[h][i] = raw(r);
    float leaf[2] = {neutral_of(J), neutral_of(J)};
#pragma unroll
    for (int i = 0; i < kChain; ++i)
#pragma unroll
      for (int h = 0; h < 2; ++h)
        if (i * kLeaf + h * rows + w < count) leaf[h] = join_terms(J, leaf[h], term(v[h][i]));
    leaves[w][x] = join_terms(J, leaf[0], leaf[1]);
    __syncthreads();
    float value = 0;
    if (w < 4) {  // the first warp
      float t[rows / 4];
#pragma unroll
      for (int i = 0; i < rows / 4; ++i) t[i] = leaves[w + 4 * i][x];
      value = halved(t, joined<J>);
#pragma unroll
      for (int o = 2; o > 0; o /= 2)
        value = join_terms(J, value, __shfl_xor_sync(kAllLanes, value, o * columns));
    }
    __syncthreads();
    return value;
  }
};

/// Whether thread blocks of many columns would be too few to read as fast as the memory can (`rows` of each
/// column).
inline bool few_columns(std::int64_t columns, std::int64_t rows) {
  const auto over = [](std::int64_t n, std::int64_t d) { return (n + d - 1) / d; };
  return (over(columns, ManyColumns::columns) * over(rows, kBlock) < 256) != other_launches();
}

/// R1 step 3 over values as they come, for one thread.
template <Join J>
struct DeviceTree {
  float level[32];
  unsigned count = 0;

  __device__ __forceinline__ void push(float value) {
    int l = 0;
    for (unsigned c = count++; c & 1; c >>= 1) value = join_terms(J, level[l++], value);
    level[l] = value;
  }
  __device__ __forceinline__ float top(float empty) const {
    float value = neutral_of(J);
    for (int l = 0; l < 32; ++l)
      if (count >> l & 1) value = join_terms(J, level[l], value);
    return count > 0 ? value : empty;
  }
};

}  // namespace assay::kernels
