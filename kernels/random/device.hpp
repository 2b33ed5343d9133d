// What random.cu and dropout.cu give to random.cpp and dropout.cpp.
#pragma once

#include "kernels/random/job.hpp"
#include "kernels/random/random.hpp"

namespace assay::kernels {

struct Dropout;
struct DropoutBackward;

/// Fills `out` and counts the call. `p`: bernoulli's probabilities, or null.
Status random_fill_cuda(const View& out, const View* p, const DrawJob& job, RandomState* state,
                        const Place& place);
Status random_count_cuda(RandomState* state, const Place& place);  ///< call + 1
Status random_next_step_cuda(RandomState* state, const Place& place);
Status random_set_cuda(RandomState* state, const RandomState& values, const Place& place);

/// Without counting the call.
Status random_dropout_cuda(const Dropout& job, const Place& place);
Status random_dropout_backward_cuda(const DropoutBackward& job, std::int64_t count, const Place& place);

}  // namespace assay::kernels
