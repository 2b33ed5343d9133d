// R1 step 3 over partials by a thread block: a thread takes an aligned run of them, then the runs join level
// by level.
#pragma once

#include "kernels/reduce/tree.cuh"

namespace assay::kernels {

inline constexpr int kJoiners = 256;  ///< threads

/// R1 step 3 over [begin, end).
template <Join J>
__device__ __forceinline__ float join_run(const float* partial, std::int64_t begin, std::int64_t end) {
  float level[40];
  unsigned taken = 0;
  for (std::int64_t i = begin; i < end; ++i) {
    float value = partial[i];
    int l = 0;
    for (unsigned c = taken++; c & 1; c >>= 1) value = join_terms(J, level[l++], value);
    level[l] = value;
  }
  float value = neutral_of(J);
  for (int l = 0; l < 32; ++l)
    if (taken >> l & 1) value = join_terms(J, level[l], value);
  return value;
}

/// The value of `count` partials; right in thread 0.
template <Join J>
__device__ __forceinline__ float join_many(const float* partial, std::int64_t count) {
  constexpr int kFew = 4, kWarps = kJoiners / 32;
  __shared__ float sums[kWarps];
  float value;
  if (count <= kFew * kJoiners) {  // at most: that fewer join alike is what neutral means
    const auto at = [&](int i) { return i < count ? partial[i] : neutral_of(J); };
    const int i = kFew * static_cast<int>(threadIdx.x);
    value = join_terms(J, join_terms(J, at(i), at(i + 1)), join_terms(J, at(i + 2), at(i + 3)));
  } else {
    std::int64_t run = 1;
    while (run * kJoiners < count) run *= 2;
    const std::int64_t begin = threadIdx.x * run;
    value = join_run<J>(partial, begin, begin + run < count ? begin + run : count);
  }
  value = join_lanes<J>(value);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  return join_lanes<J>(threadIdx.x < kWarps ? sums[threadIdx.x] : neutral_of(J));
}

}  // namespace assay::kernels
