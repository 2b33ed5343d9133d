// What optim.cpp calls in each variant, and what optim.cu gives it.
#pragma once

#include "kernels/core/variant.hpp"
#include "kernels/optim/update.hpp"

namespace assay::kernels {

/// Elements [begin, end) of memories without gaps.
ASSAY_VARIANTS(void update_run(const Update& update, const AdamScalars& scalars, float scale,
                               const Streams& streams, std::int64_t begin, std::int64_t end))

inline constexpr int kTogether = 24;  ///< tensors of one launch
struct Batch {
  int count = 0;
  std::int64_t start[kTogether + 1] = {};
  Streams streams[kTogether];

  /// `units`: how many a kernel counts the tensor as.
  void add(const Streams& one, std::int64_t units) {
    streams[count] = one;
    start[count + 1] = start[count] + units;
    ++count;
  }
};
/// One tensor of any strides.
struct Strided {
  Streams streams;
  Layout layout[kStreams];
};

Status update_cuda(const Update& update, const Batch& batch, const Place& place);
Status update_cuda(const Update& update, const Strided& strided, const Place& place);
/// Numbers of the steps of up to kTogether tensors.
struct StepNumbers {
  int count = 0;
  const float* step[kTogether] = {};
};
Status adam_scalars_cuda(const StepNumbers& numbers, const AdamOptions& options, AdamClock* clock,
                         AdamScalars* scalars, const Place& place);
Status adam_start_cuda(AdamClock* clock, const Place& place);
Status adam_tick_cuda(AdamClock* clock, const AdamOptions& options, AdamScalars* scalars, const Place& place);

}  // namespace assay::kernels
