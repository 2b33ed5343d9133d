// R1 down columns on the device: a thread owns a column, a warp the 16 leaves of one class modulo 8; the last
// halving steps (4, 2, 1) join the classes through shared memory.
#pragma once

#include "kernels/reduce/tree.cuh"

namespace assay::kernels {

inline constexpr int kColumns = 32;       ///< of one thread block
inline constexpr int kColumnClasses = 8;  ///< warps: threadIdx.y

using ColumnClasses = float[kColumnClasses][kColumns];

/// The value of one block of `count` <= 1024 rows of this thread's column; right in warp 0. `raw(r)` reads
/// row r, `term` makes the term of what was read. Called by the whole thread block.
template <Join J, typename Raw, typename Term>
__device__ __forceinline__ float column_block(int count, bool there, ColumnClasses& classes, Raw&& raw,
                                              Term&& term) {
  const int x = threadIdx.x, w = threadIdx.y;
  float leaf[16];
#pragma unroll
  for (int i = 0; i < 16; ++i) leaf[i] = neutral_of(J);
  for (int k = 0; there && k < count; k += static_cast<int>(kLeaves)) {
    decltype(raw(0)) v[16];
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      const int r = k + i * kColumnClasses + w;
      if (r < count) v[i] = raw(r);
    }
#pragma unroll
    for (int i = 0; i < 16; ++i)
      if (k + i * kColumnClasses + w < count) leaf[i] = join_terms(J, leaf[i], term(v[i]));
  }
#pragma unroll
  for (int half = 8; half > 0; half /= 2)
#pragma unroll
    for (int i = 0; i < half; ++i) leaf[i] = join_terms(J, leaf[i], leaf[i + half]);
  classes[w][x] = leaf[0];
  __syncthreads();
  float value = 0;
  if (w == 0) {
    float v[kColumnClasses];
#pragma unroll
    for (int i = 0; i < kColumnClasses; ++i) v[i] = classes[i][x];
#pragma unroll
    for (int half = kColumnClasses / 2; half > 0; half /= 2)
#pragma unroll
      for (int i = 0; i < half; ++i) v[i] = join_terms(J, v[i], v[i + half]);
    value = v[0];
  }
  __syncthreads();
  return value;
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
