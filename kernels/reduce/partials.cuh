// R1 step 3 over partials by a thread block: a thread takes an aligned run of them, then the runs join level
// by level.
#pragma once

#include "kernels/reduce/tree.cuh"

namespace assay::kernels {

inline constexpr int kJoiners = 256;                  ///< threads
inline constexpr int kRun = 16;                       ///< partials of a thread where they are few
inline constexpr int kFewPartials = kRun * kJoiners;  ///< that they join at once

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

/// A thread's run of few partials: all are asked for together, 16 bytes at a time where they lie so.
template <Join J>
__device__ __forceinline__ float join_short_run(const float* partial, int begin, std::int64_t count) {
  float v[kRun];
  if (begin + kRun <= count && reinterpret_cast<std::uintptr_t>(partial) % 16 == 0) {
#pragma unroll
    for (int i = 0; i < kRun; i += 4) {
      const float4 four = *reinterpret_cast<const float4*>(partial + begin + i);
      v[i] = four.x, v[i + 1] = four.y, v[i + 2] = four.z, v[i + 3] = four.w;
    }
  } else {
#pragma unroll
    for (int i = 0; i < kRun; ++i) v[i] = begin + i < count ? partial[begin + i] : neutral_of(J);
  }
#pragma unroll
  for (int apart = 1; apart < kRun; apart *= 2)
#pragma unroll
    for (int i = 0; i < kRun; i += 2 * apart) v[i] = join_terms(J, v[i], v[i + apart]);
  return v[0];
}

/// The value of `count` partials; right in thread 0.
template <Join J>
__device__ __forceinline__ float join_many(const float* partial, std::int64_t count) {
  constexpr int kWarps = kJoiners / 32;
  static_assert(kWarps <= 32);
  __shared__ float sums[kWarps];
  float value;
  if (count <= kFewPartials) {  // at most: that fewer join alike is what neutral means
    value = join_short_run<J>(partial, kRun * static_cast<int>(threadIdx.x), count);
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
