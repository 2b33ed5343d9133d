// An operator's argument that may be absent.
#pragma once

#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

/// A tensor's view, or null for an undefined tensor.
struct MaybeView {
  View view;
  bool there = false;
  explicit MaybeView(const at::Tensor& tensor) : there(tensor.defined()) {
    if (there) view = view_of(tensor);
  }
  const View* get() const { return there ? &view : nullptr; }
};

}  // namespace assay::kernels::aten
