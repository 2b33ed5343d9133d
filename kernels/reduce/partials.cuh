// R1 step 3 over partials by a thread block: a thread takes an aligned run of them, then the runs join level
// by level.
#pragma once

#include "kernels/reduce/tree.cuh"

namespace assay::kernels {

inline constexpr int kJoiners = 256;  ///< threads

/// The value of `count` partials; right in thread 0.
__device__ __forceinline__ float join_many(Join join, const float* partial, std::int64_t count) {
  __shared__ float sums[kJoiners];
  std::int64_t run = 1;
  while (run * kJoiners < count) run *= 2;
  const std::int64_t begin = threadIdx.x * run;
  const std::int64_t end = begin + run < count ? begin + run : count;
  float level[40];
  unsigned taken = 0;
  for (std::int64_t i = begin; i < end; ++i) {
    float value = partial[i];
    int l = 0;
    for (unsigned c = taken++; c & 1; c >>= 1) value = join_terms(join, level[l++], value);
    level[l] = value;
  }
  float value = neutral_of(join);
  for (int l = 0; l < 32; ++l)
    if (taken >> l & 1) value = join_terms(join, level[l], value);
  sums[threadIdx.x] = value;
  __syncthreads();
  for (int width = kJoiners / 2; width > 0; width /= 2) {
    if (threadIdx.x < width) value = join_terms(join, sums[2 * threadIdx.x], sums[2 * threadIdx.x + 1]);
    __syncthreads();
    if (threadIdx.x < width) sums[threadIdx.x] = value;
    __syncthreads();
  }
  return value;
}

}  // namespace assay::kernels
