// How the threads of a block agree that a tile of k lies in shared memory, and that nobody reads what is to
// be written over.
#pragma once

#include "kernels/gemm/copies.cuh"

namespace assay::kernels::gemm_device {

/// All at once, at the end of a tile's time.
template <class S, bool kTwoParts>
struct Meeting {
  static constexpr int stages = 3, shared_bytes = stages * S::stage_floats * 4;
  static constexpr int comes =
      S::depth - S::ahead - 1;  ///< the last step whose copies this meeting waits for

  __device__ __forceinline__ explicit Meeting(unsigned) {}
  __device__ __forceinline__ void come() {}
  __device__ __forceinline__ void look() {}
  __device__ __forceinline__ void wait_for_all() {
    commit();
    wait<1>();
    __syncthreads();
  }
  __device__ __forceinline__ void end() {}
};

/// Coming and waiting apart (an mbarrier, at which one thread of each warp arrives). In the middle of a
/// tile's time a thread's copies for the next tile have landed, all that it put for that tile through
/// registers it put in the tile's time before this one, and it reads no more of the tile before: so it comes.
/// What it puts from then on is for the tile after the next and is covered by its next coming. At the end it
/// looks whether all have come, and seldom has to wait. With four stages nobody writes what may still be
/// read.
template <class S>
struct Meeting<S, true> {
  static constexpr int stages = 4, shared_bytes = stages * S::stage_floats * 4 + 16;
  static constexpr int comes = S::depth / 2;
  static_assert(comes + 2 < S::depth - S::ahead);

  const unsigned gate;
  unsigned turn = 0;  // 0, 1, 0, ...
  bool open = false;

  __device__ __forceinline__ explicit Meeting(unsigned base) : gate(base + stages * S::stage_floats * 4) {
    if (threadIdx.x == 0)
      asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(gate), "n"(S::threads / 32) : "memory");
  }
  __device__ __forceinline__ void come() {
    commit();
    wait<1>();
    __syncwarp();
    if (threadIdx.x % 32 == 0)
      asm volatile("{ .reg .b64 state; mbarrier.arrive.shared.b64 state, [%0]; }" ::"r"(gate) : "memory");
  }
  __device__ __forceinline__ void look() {
    int all = 0;
    asm volatile("{ .reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], %2; selp.b32 %0, 1, 0, p; }"
                 : "=r"(all)
                 : "r"(gate), "r"(turn)
                 : "memory");
    open = all != 0;
  }
  __device__ __forceinline__ void wait_for_all() {
    while (!open) look();
    turn ^= 1;
  }
  /// After the block's last meeting and a barrier. Its place is used again by thread 0 alone, for the next.
  __device__ __forceinline__ void end() {
    if (threadIdx.x == 0) asm volatile("mbarrier.inval.shared.b64 [%0];" ::"r"(gate) : "memory");
  }
};

}  // namespace assay::kernels::gemm_device
