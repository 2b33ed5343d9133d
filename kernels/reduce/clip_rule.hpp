#pragma once

#include "kernels/core/place.hpp"
#include "kernels/reduce/terms.hpp"

namespace assay::kernels {

ASSAY_HD float clip_factor_of(float norm, float largest) {
  const float factor = divided(largest, norm + 1e-6f);
  return factor > 1 ? 1.0f : canonical(factor);
}

namespace cuda {
#if defined(ASSAY_HAS_CUDA)
Status clip_factor(const float* norm, float largest, float* out, const Place& place);
#else
inline Status clip_factor(const float*, float, float*, const Place&) { return Status::no_cuda; }
#endif
}  // namespace cuda

}  // namespace assay::kernels
