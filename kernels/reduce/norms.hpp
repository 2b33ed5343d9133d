// Sums of squares of many tensors at once.
#pragma once

#include <span>

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels::cuda {

#if defined(ASSAY_HAS_CUDA)
/// Whether a tensor is for `sums_of_squares`: f32 or bf16, its elements one run in memory, not empty.
bool takes_squares(const View& tensor);

/// *sums[i] = R1 over fp32(x * x) of tensors[i].
Status sums_of_squares(std::span<const View> tensors, std::span<float* const> sums, const Place& place);
#else
inline bool takes_squares(const View&) { return false; }
inline Status sums_of_squares(std::span<const View>, std::span<float* const>, const Place&) {
  return Status::no_cuda;
}
#endif

}  // namespace assay::kernels::cuda
