// Which pointwise jobs write past the caches, for variant files.
#pragma once

#include "kernels/core/cache.hpp"
#include "kernels/core/stream.hpp"
#include "kernels/pointwise/job.hpp"

namespace assay::kernels::ASSAY_VARIANT {

static inline std::int64_t bytes_of(const Job& job, const Operand& operand) {
  return operand.constant ? 0 : job.count * (operand.type == Type::bf16 ? 2 : 4);
}

/// Whether what the job reads and writes is more than the last cache holds. In place the lines are there
/// anyway.
static inline bool streams(const Job& job) {
  std::int64_t bytes = bytes_of(job, job.out);
  for (int k = 0; k < job.inputs; ++k) {
    if (job.in[k].data == job.out.data) return false;
    bytes += bytes_of(job, job.in[k]);
  }
  return job.out.linear && bytes > cache_bytes();
}

}  // namespace assay::kernels::ASSAY_VARIANT
