// Who called: the Python line that runs, when there is a Python in this process.
#pragma once

#include <string>

namespace assay::kernels::aten {

/// "FILE:LINE" of the innermost Python frame outside torch, or "" without Python, without a frame (autograd's
/// own threads).
std::string python_caller();

}  // namespace assay::kernels::aten
