// Where a reduction's value goes.
#pragma once

#include "kernels/reduce/job.hpp"
#include "kernels/reduce/terms.hpp"

namespace assay::kernels {

__device__ __forceinline__ void finish_kept(const ReduceJob& job, std::int64_t kept, float value) {
  const float centre = job.centre ? job.centre[kept] : 0;
  store_number(job.out, job.out_type,
               offset_at(kept, job.plan.kept_rank, job.plan.kept_size, job.plan.kept_out),
               finished(job.recipe, value, centre));
}

/// The value of one of an output's chunks: the end, when there is one chunk.
__device__ __forceinline__ void finish_chunk(const ReduceJob& job, std::int64_t kept, std::int64_t chunk,
                                             float value) {
  if (job.chunks > 1)
    job.partials[kept * job.chunks + chunk] = value;
  else
    finish_kept(job, kept, value);
}

}  // namespace assay::kernels
