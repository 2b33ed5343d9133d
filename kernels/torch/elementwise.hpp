// Operators whose output elements stand at the index of their inputs': result type, broadcasting, output
// memory and its strides as ATen's TensorIterator gives them, then one call of kernels/pointwise.
#pragma once

#include <span>

#include "kernels/pointwise/pointwise.hpp"
#include "kernels/torch/call.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

/// Runs `op`. An undefined or CPU 0-dimensional input beside CUDA ones, and a wrapped number, is one fp32
/// value. The result goes to call.target(), or to a new tensor of `type` (bool for a predicate).
Answer run_elementwise(Call& call, Op op, std::span<const at::Tensor* const> inputs,
                       std::span<const float> scalars, at::ScalarType type);

/// As ATen promotes; integers alone become the default type when `floats`. When the result is not for us the
/// answer says what to do: `aten` (integers), `refused` (types outside the contract).
struct Promotion {
  std::optional<Answer> answer;
  at::ScalarType type = at::kFloat;
};
Promotion promote(Call& call, std::span<const at::Tensor* const> inputs, bool floats);

/// Whether this tensor only stands for a number: 0-dimensional on the CPU, wrapped, or beside a CUDA tensor.
bool is_number(const at::Tensor& tensor, bool beside_cuda);
double number_of(const at::Tensor& tensor);

}  // namespace assay::kernels::aten
