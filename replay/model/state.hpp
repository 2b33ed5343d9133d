// A tensor of torch's as a leaf of the state.
#pragma once

#include <ATen/core/Tensor.h>
#include <string>

#include "formats/state_file.hpp"

namespace assay::replay {

/// `tensor`'s type and sizes; its bytes where it lies contiguous on the CPU, else none. Throws
/// Failure(constructor) for a type that a checkpoint cannot hold.
formats::StateTensor state_tensor(formats::StateKind kind, const std::string& name, const at::Tensor& tensor);

}  // namespace assay::replay
