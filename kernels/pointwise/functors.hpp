// The table's formulas as functions of one element. Always inlined: variant files and kernels include this.
#pragma once

#include "kernels/core/hd.hpp"
#include "kernels/math/math.hpp"
#include "kernels/math/narrow.hpp"
#include "kernels/pointwise/table.hpp"

namespace assay::kernels::ops {

#define ASSAY_FUNCTOR(name, scalars, kind, paragraph, ...)                                \
  struct name {                                                                           \
    static constexpr bool kTotal = kind == 2;                                             \
    static ASSAY_HD_MEMBER float at([[maybe_unused]] float a, [[maybe_unused]] float b,   \
                                    [[maybe_unused]] float c, [[maybe_unused]] float s0,  \
                                    [[maybe_unused]] float s1, [[maybe_unused]] float s2, \
                                    [[maybe_unused]] float s3) {                          \
      return __VA_ARGS__;                                                                 \
    }                                                                                     \
  };
ASSAY_POINTWISE_UNARY(ASSAY_FUNCTOR)
ASSAY_POINTWISE_BINARY(ASSAY_FUNCTOR)
ASSAY_POINTWISE_TERNARY(ASSAY_FUNCTOR)
#undef ASSAY_FUNCTOR

/// One element with the one NaN.
template <typename F>
ASSAY_HD float element(float a, float b, float c, float s0, float s1, float s2, float s3) {
  if constexpr (F::kTotal) return a != a ? math::nan() : F::at(a, b, c, s0, s1, s2, s3);
  return math::canonical(F::at(a, b, c, s0, s1, s2, s3));
}

/// The formula for elements that come as bf16 and go as bf16 (math/narrow.hpp); void: none shorter than F.
template <typename F>
struct Narrow {
  using Formula = void;
};
#define ASSAY_NARROW(name)              \
  template <>                           \
  struct Narrow<name> {                 \
    using Formula = math::narrow::name; \
  };
ASSAY_NARROW(exp)
ASSAY_NARROW(log)
ASSAY_NARROW(tanh)
ASSAY_NARROW(sigmoid)
ASSAY_NARROW(silu)
ASSAY_NARROW(gelu)
#undef ASSAY_NARROW

}  // namespace assay::kernels::ops
