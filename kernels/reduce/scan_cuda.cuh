// What both ways of a running sum or product on CUDA share.
#pragma once

#include <cuda_runtime.h>

#include "kernels/reduce/scan.hpp"

namespace assay::kernels {

template <bool Product>
__device__ __forceinline__ float scan_step(float a, float b) {
  return Product ? a * b : a + b;
}

/// The chain of the totals of a group's leaves before this lane's, after `carry` (when `carried`).
template <bool Product>
__device__ __forceinline__ float chain_before(float total, int leaf, int group, float carry, bool carried) {
  float prefix = carry;
  for (int l = 0; l + 1 < group; ++l) {
    const float t = __shfl_sync(0xffffffffu, total, l, group);
    if (l < leaf) prefix = l == 0 && !carried ? t : scan_step<Product>(prefix, t);
  }
  return prefix;
}

namespace cuda {
bool takes_parts(const ScanJob& job);  ///< scan_parts.cu
void scan_parts(const ScanJob& job, void* stream);
}  // namespace cuda

}  // namespace assay::kernels
