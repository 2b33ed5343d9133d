// R1 step 2, the contract's halving, over leaves that one thread holds.
#pragma once

namespace assay::kernels {

/// A recursion, since a loop over halves is not unrolled and the leaves would lie in memory.
template <int N, typename JoinTwo>
__device__ __forceinline__ float halved(const float (&leaf)[N], JoinTwo join) {
  if constexpr (N == 1) {
    return leaf[0];
  } else {
    float half[N / 2];
#pragma unroll
    for (int i = 0; i < N / 2; ++i) half[i] = join(leaf[i], leaf[i + N / 2]);
    return halved(half, join);
  }
}

}  // namespace assay::kernels
