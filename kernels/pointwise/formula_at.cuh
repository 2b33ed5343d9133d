// One element of a formula, or several, on a GPU.
#pragma once

#include "kernels/pointwise/functors.hpp"
#include "kernels/pointwise/launch.cuh"
#include "kernels/pointwise/on_device.cuh"

namespace assay::kernels::cuda {

template <typename F, int kInputs>
__device__ __forceinline__ float formula(const float (&x)[kInputs], const float (&s)[kMaxScalars]) {
  return ops::element<F>(x[0], x[kInputs > 1 ? 1 : 0], x[kInputs > 2 ? 2 : 0], s[0], s[1], s[2], s[3]);
}

/// A formula over N elements at once. Where one is NaN is looked for only when there is one at all; says so.
template <typename F, int kInputs, int N>
__device__ __forceinline__ bool formulas(const float (&x)[kInputs][N], const float (&s)[kMaxScalars],
                                         float (&y)[N]) {
  bool odd = false;
#pragma unroll
  for (int v = 0; v < N; ++v) {
    y[v] = OnDevice<F>::at(x[0][v], x[kInputs > 1 ? 1 : 0][v], x[kInputs > 2 ? 2 : 0][v], s[0], s[1], s[2],
                           s[3]);
    odd = odd || (F::kTotal ? x[0][v] != x[0][v] : y[v] != y[v]);
  }
  if (odd)
#pragma unroll
    for (int v = 0; v < N; ++v)
      if (F::kTotal ? x[0][v] != x[0][v] : y[v] != y[v]) y[v] = math::nan();
  return odd;
}

}  // namespace assay::kernels::cuda
