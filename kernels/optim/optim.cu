#include "kernels/index/each.cuh"
#include "kernels/optim/scalars.hpp"
#include "kernels/optim/variants.hpp"

namespace assay::kernels {

namespace {

template <bool kNarrow>
__global__ void __launch_bounds__(kBlock)
    batch_kernel(const __grid_constant__ Update update, const __grid_constant__ Batch batch) {
  const AdamScalars scalars = update.scalars ? *update.scalars : AdamScalars{};
  const float scale = update.gradient_scale ? *update.gradient_scale : 1.0F;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x, all = batch.start[batch.count];
  int k = 0;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < all; i += step) {
    while (i >= batch.start[k + 1]) ++k;
    const std::int64_t j = i - batch.start[k];
    const std::int64_t at[kStreams] = {j, j, j, j, j, j};
    update_element<kNarrow>(update, scalars, scale, batch.streams[k], at);
  }
}

template <bool kNarrow>
__global__ void __launch_bounds__(kBlock)
    strided_kernel(const __grid_constant__ Update update, const __grid_constant__ Strided strided) {
  const AdamScalars scalars = update.scalars ? *update.scalars : AdamScalars{};
  const float scale = update.gradient_scale ? *update.gradient_scale : 1.0F;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < strided.streams.count;
       i += step) {
    std::int64_t at[kStreams];
    for (int k = 0; k < kStreams; ++k) at[k] = strided.layout[k].offset(i);
    update_element<kNarrow>(update, scalars, scale, strided.streams, at);
  }
}

__global__ void start_kernel(AdamClock* clock) { *clock = AdamClock{}; }

__global__ void tick_kernel(AdamClock* clock, AdamOptions options, AdamScalars* scalars) {
  AdamClock now = *clock;
  AdamScalars next;
  tick(now, options, next);
  *clock = now, *scalars = next;
}

}  // namespace

Status update_cuda(const Update& update, const Batch& batch, const Place& place) {
  const unsigned blocks = blocks_for(batch.start[batch.count]);
  if (update.narrow)
    batch_kernel<true><<<blocks, kBlock, 0, stream_of(place)>>>(update, batch);
  else
    batch_kernel<false><<<blocks, kBlock, 0, stream_of(place)>>>(update, batch);
  return launched();
}

Status update_cuda(const Update& update, const Strided& strided, const Place& place) {
  const unsigned blocks = blocks_for(strided.streams.count);
  if (update.narrow)
    strided_kernel<true><<<blocks, kBlock, 0, stream_of(place)>>>(update, strided);
  else
    strided_kernel<false><<<blocks, kBlock, 0, stream_of(place)>>>(update, strided);
  return launched();
}

Status adam_start_cuda(AdamClock* clock, const Place& place) {
  start_kernel<<<1, 1, 0, stream_of(place)>>>(clock);
  return launched();
}

Status adam_tick_cuda(AdamClock* clock, const AdamOptions& options, AdamScalars* scalars,
                      const Place& place) {
  tick_kernel<<<1, 1, 0, stream_of(place)>>>(clock, options, scalars);
  return launched();
}

}  // namespace assay::kernels
