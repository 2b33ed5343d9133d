// One element of a formula, on a GPU.
#pragma once

#include "kernels/pointwise/functors.hpp"
#include "kernels/pointwise/launch.cuh"

namespace assay::kernels::cuda {

template <typename F, int kInputs>
__device__ __forceinline__ float formula(const float (&x)[kInputs], const float (&s)[kMaxScalars]) {
  return ops::element<F>(x[0], x[kInputs > 1 ? 1 : 0], x[kInputs > 2 ? 2 : 0], s[0], s[1], s[2], s[3]);
}

}  // namespace assay::kernels::cuda
