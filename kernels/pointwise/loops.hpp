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
  for (std::int64_t i = 0; i < count; ++i) out[i] = ops::element<F>(a[i], b[i], c[i], s0, s1, s2, s3);
}

/// A function whose rare arguments (F::far) take a branch of its own: asked once a block, so that the others
/// stay vector code. The same function as the table's either way.
template <typename F, int kInputs>
void guarded(const float* const* in, const float* scalars, float* out, std::int64_t count) {
  constexpr std::int64_t kBlock = 256;
  const float s0 = scalars[0];
  for (std::int64_t at = 0; at < count; at += kBlock) {
    const std::int64_t n = count - at < kBlock ? count - at : kBlock;
    const float* const a = in[0] + at;
    const float* const b = in[kInputs > 1 ? 1 : 0] + at;
    float* const y = out + at;
    std::uint32_t far = 0;
    for (std::int64_t i = 0; i < n; ++i) far |= F::far(a[i], b[i], s0) ? 1u : 0u;
    if (far) {
      for (std::int64_t i = 0; i < n; ++i) y[i] = math::canonical(F::all(a[i], b[i], s0));
    } else {
#pragma GCC ivdep
      for (std::int64_t i = 0; i < n; ++i) y[i] = math::canonical(F::near(a[i], b[i], s0));
    }
  }
}

/// The three members that `guarded` asks for, as expressions of a, b and s0.
#define ASSAY_GUARDED(name, is_far, near_value, all_value)                                \
  struct name {                                                                           \
    static ASSAY_HD_MEMBER bool far([[maybe_unused]] float a, [[maybe_unused]] float b,   \
                                    [[maybe_unused]] float s0) {                          \
      return is_far;                                                                      \
    }                                                                                     \
    static ASSAY_HD_MEMBER float near([[maybe_unused]] float a, [[maybe_unused]] float b, \
                                      [[maybe_unused]] float s0) {                        \
      return near_value;                                                                  \
    }                                                                                     \
    static ASSAY_HD_MEMBER float all([[maybe_unused]] float a, [[maybe_unused]] float b,  \
                                     [[maybe_unused]] float s0) {                         \
      return all_value;                                                                   \
    }                                                                                     \
  };

Body unary_body(Op op);
Body binary_body(Op op);
Body ternary_body(Op op);

}  // namespace assay::kernels::ASSAY_VARIANT
