// Which pointwise jobs write past the caches, for variant files.
#pragma once

#include "kernels/core/cache.hpp"
#include "kernels/core/stream.hpp"
#include "kernels/pointwise/job.hpp"

namespace assay::kernels::ASSAY_VARIANT {

/// Whether an fp32 job does. In place the lines are there anyway.
static inline bool streams(const Job& job) {
  for (int k = 0; k < job.inputs; ++k)
    if (job.in[k].data == job.out.data) return false;
  return outgrows_cache(job.count * (job.inputs + 1) * 4);
}

}  // namespace assay::kernels::ASSAY_VARIANT
