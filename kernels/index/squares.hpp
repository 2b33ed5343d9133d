// Transpositions on CUDA. Inside index/ only.
#pragma once

#include "kernels/index/copy_parts.hpp"
#include "kernels/index/each.hpp"

namespace assay::kernels {

#if defined(ASSAY_HAS_CUDA)
/// Copies elements of `bytes` bytes; `turned`: the dimension in which the source's are neighbours, while the
/// target's are in the last. bad_shape: more squares than a launch has blocks.
Status copy_squares_cuda(const CopyJob& copy, int turned, std::int64_t bytes, const Place& place);
#else
inline Status copy_squares_cuda(const CopyJob&, int, std::int64_t, const Place&) { return Status::no_cuda; }
#endif

}  // namespace assay::kernels
