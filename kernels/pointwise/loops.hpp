// The loop over one formula, for variant files: contiguous fp32 in, contiguous fp32 out, vectorised.
#pragma once

#include "kernels/pointwise/functors.hpp"

namespace assay::kernels::ASSAY_VARIANT {

/// in[k] and out may be equal, never overlap otherwise: hence ivdep.
using Body = void (*)(const float* const* in, const float* scalars, float* out, std::int64_t count);

template <typename F, int kInputs>
void body(const float* const* in, const float* scalars, float* out, std::int64_t count) {
  const float* const a = in[0];
  const float* const b = in[kInputs > 1 ? 1 : 0];
  const float* const c = in[kInputs > 2 ? 2 : 0];
  const float s0 = scalars[0], s1 = scalars[1], s2 = scalars[2], s3 = scalars[3];
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) out[i] = math::canonical(F::at(a[i], b[i], c[i], s0, s1, s2, s3));
}

Body unary_body(Op op);
Body binary_body(Op op);
Body ternary_body(Op op);

}  // namespace assay::kernels::ASSAY_VARIANT
