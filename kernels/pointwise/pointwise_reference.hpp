// The rule R5 one element at a time: what the tests compare against. Not used by the operators.
#pragma once

#include "kernels/pointwise/pointwise.hpp"

namespace assay::kernels::reference {

/// One element of `op`, not yet rounded to the output's type. x: the row's inputs; s: its scalars.
float pointwise_element(Op op, const float* x, const float* s);

/// The whole operator on CPU memory, logical index by logical index.
void pointwise(Op op, std::span<const View> inputs, std::span<const float> scalars, const View& out);
void copy(const View& in, const View& out);

}  // namespace assay::kernels::reference
