// What random.cu gives to random.cpp.
#pragma once

#include "kernels/random/job.hpp"
#include "kernels/random/random.hpp"

namespace assay::kernels {

/// Fills `out` and counts the call. `p`: bernoulli's probabilities, or null.
Status random_fill_cuda(const View& out, const View* p, const DrawJob& job, RandomState* state,
                        const Place& place);
Status random_count_cuda(RandomState* state, const Place& place);  ///< call + 1
Status random_next_step_cuda(RandomState* state, const Place& place);
Status random_set_cuda(RandomState* state, const RandomState& values, const Place& place);

}  // namespace assay::kernels
