// The table's formulas as functions of one element. Always inlined: variant files and kernels include this.
#pragma once

#include "kernels/core/hd.hpp"
#include "kernels/math/math.hpp"
#include "kernels/pointwise/table.hpp"

namespace assay::kernels::ops {

#define ASSAY_FUNCTOR(name, scalars, predicate, paragraph, ...)                           \
  struct name {                                                                           \
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

}  // namespace assay::kernels::ops
