// Shared memory as kernels of products read and fill it.
#pragma once

#include <cuda_runtime.h>

namespace assay::kernels::gemm_device {

// Shared addresses are 32-bit numbers of bytes: constant offsets then cost no instruction.
__device__ __forceinline__ unsigned address(const float* shared) {
  return static_cast<unsigned>(__cvta_generic_to_shared(shared));
}
__device__ __forceinline__ void put1(unsigned to, float x) {
  asm volatile("st.shared.f32 [%0], %1;" ::"r"(to), "f"(x) : "memory");
}
__device__ __forceinline__ void put4(unsigned to, float x, float y, float z, float w) {
  asm volatile("st.shared.v4.f32 [%0], {%1, %2, %3, %4};" ::"r"(to), "f"(x), "f"(y), "f"(z), "f"(w)
               : "memory");
}
__device__ __forceinline__ float take1(unsigned from) {
  float x;
  asm volatile("ld.shared.f32 %0, [%1];" : "=f"(x) : "r"(from));
  return x;
}
__device__ __forceinline__ void take2(float* to, unsigned from) {
  asm volatile("ld.shared.v2.f32 {%0, %1}, [%2];" : "=f"(to[0]), "=f"(to[1]) : "r"(from));
}
__device__ __forceinline__ void take4(float* to, unsigned from) {
  asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(to[0]), "=f"(to[1]), "=f"(to[2]), "=f"(to[3])
               : "r"(from));
}

// Predicated, not branched around: code stays one block, in which the compiler can place reads freely.
__device__ __forceinline__ void copy4(unsigned to, const float* from, bool wanted) {
  asm volatile(
      "{ .reg .pred p; setp.ne.b32 p, %2, 0; @p cp.async.ca.shared.global [%0], [%1], 4; }" ::"r"(to),
      "l"(from), "r"(static_cast<int>(wanted)));
}
__device__ __forceinline__ void copy16(unsigned to, const float* from, bool wanted) {
  asm volatile(
      "{ .reg .pred p; setp.ne.b32 p, %2, 0; @p cp.async.cg.shared.global [%0], [%1], 16; }" ::"r"(to),
      "l"(from), "r"(static_cast<int>(wanted)));
}
__device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;"); }
template <int Left>
__device__ __forceinline__ void wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Left) : "memory");
}

}  // namespace assay::kernels::gemm_device
