// Reductions whose result no order changes: integer sums and products (modulo 2^64), counts, any, all, and
// the extreme element with its position (docs/determinism.md, R4).
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

enum class Exact : std::uint8_t {
  sum,            ///< integers and booleans; `out` i64
  prod,           ///< the same
  count_nonzero,  ///< any type but c64; `out` i64
  any,            ///< any type but c64; `out` boolean or u8
  all,            ///< the same
  max,            ///< NaN is the largest; of equals (+0 and -0 too) the lowest index
  min,            ///< NaN still wins; the same otherwise
};

/// As reduce(): `dims` of `in`, row-major index. For max and min `out` (null: not wanted) has the type of
/// `in` and `indices` (null: not wanted; i64) the position along the reduced dimensions; empty ones:
/// bad_shape. For the others `indices` is null. Types: f32, bf16, boolean and integers.
Status reduce_exact(Exact op, const View& in, std::uint64_t dims, const View* out, const View* indices,
                    const Place& place);

namespace reference {
Status reduce_exact(Exact op, const View& in, std::uint64_t dims, const View* out, const View* indices);
}

}  // namespace assay::kernels
