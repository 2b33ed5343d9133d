// What unary.cu asks value_table.cu. Inside pointwise/ only.
#pragma once

#include <optional>

#include "kernels/pointwise/job.hpp"

namespace assay::kernels::cuda {

/// Does a job of one bf16 input by looking its results up; the answer is the launch's. Nothing, and nothing
/// done: too few elements, another type or layout, a formula that is fast as it is, a device without
/// room for a table.
std::optional<Status> by_table(const Job& job, void* stream);

}  // namespace assay::kernels::cuda
