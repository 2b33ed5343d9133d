// Reductions over any set of dimensions: sums, means, products, variances, norms, extrema.
// docs/determinism.md, R1 and R4.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

enum class Reduction : std::uint8_t {
  sum,
  mean,
  prod,
  var,   ///< argument: the correction; `second` may take the means
  std,   ///< the same
  norm,  ///< argument: p, any number, +-inf too
  amax,  ///< NaN if there is one; +0 above -0
  amin,
  logsumexp,
  sum_squares,
  root_of_sum,  ///< sqrt(sum)
};

/// Reduces the dimensions of `in` whose bits are set in `dims`, in the row-major order of the remaining
/// sizes' index. `in`: f32 or bf16, any strides; for sum, mean and prod integers and booleans too, each
/// rounded to fp32 first. `out`: f32 or bf16, the sizes of the kept dimensions, with ones in place of the
/// reduced or without them. `second`: null, or as `out`. Empty reductions: sum 0, mean NaN, prod 1, var and
/// std NaN, norm 0; amax and amin: bad_shape unless there is no output. Errors: bad_type, bad_shape,
/// bad_rank, out_of_memory, no_cuda, cuda_failed.
Status reduce(Reduction op, const View& in, std::uint64_t dims, const View& out, const View* second,
              double argument, const Place& place);

/// The rule, one element at a time. CPU memory.
namespace reference {
Status reduce(Reduction op, const View& in, std::uint64_t dims, const View& out, const View* second,
              double argument);
/// R1 over n terms.
float sum(const float* terms, std::int64_t n);
}  // namespace reference

}  // namespace assay::kernels
