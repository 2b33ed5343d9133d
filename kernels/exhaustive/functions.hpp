// The unary fp32 functions that are checked over all inputs: each beside an fp64 truth and the largest error
// that the contract states. Tests and assay-exhaustive; not part of the library.
#pragma once

#include <span>

namespace assay::kernels::exhaustive {

struct Function {
  const char* name;         ///< the pointwise table's
  float (*value)(float x);  ///< one source, compiled plainly
  double (*truth)(double x);
  double bound;  ///< in ulp of the truth rounded to fp32
};
std::span<const Function> functions();

/// |found - truth| in units of the last place of fp32 at truth (subnormals: of 2^-149). 0 when both are NaN
/// or the same infinity; infinite when one is. An overflow counts as the value one ulp above the largest.
double error_in_ulp(float found, double truth);

}  // namespace assay::kernels::exhaustive
