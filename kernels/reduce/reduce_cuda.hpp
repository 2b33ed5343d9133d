// The CUDA side of reduce.cpp.
#pragma once

#include "kernels/reduce/job.hpp"

namespace assay::kernels {
inline constexpr int kWideColumns = 128;  ///< of one thread block of wide_columns.cu
template <typename T>
inline constexpr int kRingColumns = 512 / static_cast<int>(sizeof(T));  ///< of one of column_ring.cu
}

namespace assay::kernels::cuda {

#if defined(ASSAY_HAS_CUDA)
Status reduce(const ReduceJob& job, const Place& place);
/// Whether a job with a centre can be done by one_read.cu, and that.
bool takes_one_read(const ReduceJob& job);
Status run_one_read(const ReduceJob& job, void* stream);
/// Whether a job's columns are for wide_columns.cu, and the chunks' values (or the end, when there is one
/// chunk).
bool takes_wide_columns(const ReduceJob& job);
Status launch_wide_columns(const ReduceJob& job, void* stream);
/// Of those: whether they are for column_ring.cu, and that.
bool takes_column_ring(const ReduceJob& job);
Status launch_column_ring(const ReduceJob& job, void* stream);
/// Of jobs that go by columns: whether they are for short_columns.cu, and that.
bool takes_short_columns(const ReduceJob& job);
Status launch_short_columns(const ReduceJob& job, void* stream);
#else
inline Status reduce(const ReduceJob&, const Place&) { return Status::no_cuda; }
#endif

}  // namespace assay::kernels::cuda
