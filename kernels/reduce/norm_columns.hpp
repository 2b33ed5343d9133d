// Gradient of a norm's weight: R1 down the rows over fp32(grad * hat).
#pragma once

#include "kernels/core/variant.hpp"
#include "kernels/core/view.hpp"
#include "kernels/reduce/rules.hpp"

namespace assay::kernels {

struct NormColumnsJob {
  const void* grad = nullptr;
  const void* in = nullptr;
  Type grad_type = Type::f32;
  Type in_type = Type::f32;
  std::int64_t grad_step = 0;  ///< from row to row; columns are packed
  std::int64_t in_step = 0;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  const void* mean = nullptr;  ///< null: RMSNorm
  const void* rstd = nullptr;
  Type saved_type = Type::f32;
  void* out = nullptr;
  Type out_type = Type::f32;
  std::int64_t chunk = 0;  ///< rows that one item takes
  std::int64_t chunks = 1;
  float* partials = nullptr;  ///< [columns][chunks], when chunks > 1
};

ASSAY_HD float weight_term(float grad, float x, float mean, float rstd, bool centred) {
  return grad * ((centred ? x - mean : x) * rstd);
}

/// Items: tiles of 64 columns x chunks.
ASSAY_VARIANTS(void norm_columns(const NormColumnsJob& job, std::int64_t begin, std::int64_t end))
ASSAY_VARIANTS(void norm_columns_join(const NormColumnsJob& job, std::int64_t begin, std::int64_t end))

namespace cuda {
#if defined(ASSAY_HAS_CUDA)
Status norm_columns(const NormColumnsJob& job, const Place& place);
#else
inline Status norm_columns(const NormColumnsJob&, const Place&) { return Status::no_cuda; }
#endif
}  // namespace cuda

}  // namespace assay::kernels
