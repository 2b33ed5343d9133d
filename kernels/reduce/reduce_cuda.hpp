// The CUDA side of reduce.cpp.
#pragma once

#include "kernels/reduce/job.hpp"

namespace assay::kernels::cuda {

#if defined(ASSAY_HAS_CUDA)
Status reduce(const ReduceJob& job, const Place& place);
#else
inline Status reduce(const ReduceJob&, const Place&) { return Status::no_cuda; }
#endif

}  // namespace assay::kernels::cuda
