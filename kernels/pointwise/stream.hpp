// Which pointwise jobs write past the caches, for variant files.
#pragma once

#include "kernels/core/cache.hpp"
#include "kernels/core/stream.hpp"
#include "kernels/pointwise/job.hpp"

namespace assay::kernels::ASSAY_VARIANT {

/// Whether a job does whose tensors have elements of `size` bytes. In place the lines are there anyway.
static inline bool streams(const Job& job, std::int64_t size) {
  for (int k = 0; k < job.inputs; ++k)
    if (job.in[k].data == job.out.data) return false;
  return outgrows_cache(job.count * (job.inputs + 1) * size);
}

}  // namespace assay::kernels::ASSAY_VARIANT
