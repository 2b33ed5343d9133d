#include "kernels/core/fours.cuh"
#include "kernels/index/each.cuh"
#include "kernels/optim/scalars.hpp"
#include "kernels/optim/variants.hpp"

namespace assay::kernels {

namespace {

__device__ __forceinline__ AdamScalars scalars_of(const Streams& streams) {
  return streams.scalars ? *streams.scalars : AdamScalars{};
}

template <bool kNarrow>
__global__ void __launch_bounds__(kBlock)
    batch_kernel(const __grid_constant__ Update update, const __grid_constant__ Batch batch) {
  const float scale = update.gradient_scale ? *update.gradient_scale : 1.0F;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x, all = batch.start[batch.count];
  int k = 0;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < all; i += step) {
    while (i >= batch.start[k + 1]) ++k;
    const std::int64_t j = i - batch.start[k];
    const std::int64_t at[kStreams] = {j, j, j, j, j, j};
    update_element<kNarrow>(update, scalars_of(batch.streams[k]), scale, batch.streams[k], at);
  }
}

__device__ __forceinline__ void load_from(const void* data, bool narrow, std::int64_t four,
                                          float (&x)[kFour]) {
  if (narrow)
    load_four(x, static_cast<const std::uint16_t*>(data) + kFour * four);
  else
    load_four(x, static_cast<const float*>(data) + kFour * four);
}

__device__ __forceinline__ void store_to(void* data, bool narrow, std::int64_t four,
                                         const float (&x)[kFour]) {
  if (narrow)
    store_four(static_cast<std::uint16_t*>(data) + kFour * four, x);
  else
    store_four(static_cast<float*>(data) + kFour * four, x);
}

/// Four elements a thread; the batch is counted in fours.
template <bool kNarrow>
__global__ void __launch_bounds__(kBlock)
    fours_kernel(const __grid_constant__ Update update, const __grid_constant__ Batch batch) {
  const float scale = update.gradient_scale ? *update.gradient_scale : 1.0F;
  const Uses uses = uses_of(update);
  const std::int64_t step = std::int64_t{gridDim.x} * kBlock, all = batch.start[batch.count];
  int k = 0;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kBlock + threadIdx.x; i < all; i += step) {
    while (i >= batch.start[k + 1]) ++k;
    const std::int64_t four = i - batch.start[k];
    const Streams& streams = batch.streams[k];
    const AdamScalars scalars = scalars_of(streams);
    float p[kFour], g[kFour], a[kFour] = {}, b[kFour] = {}, c[kFour] = {};
    load_from(streams.data[kParameter], kNarrow, four, p);
    load_from(streams.data[kGradient], update.narrow_gradient, four, g);
    if (uses.reads_first) load_from(streams.data[kFirst], kNarrow, four, a);
    if (uses.second) load_from(streams.data[kSecond], kNarrow, four, b);
    if (uses.third) load_from(streams.data[kThird], kNarrow, four, c);
#pragma unroll
    for (int e = 0; e < kFour; ++e) {
      Values v{p[e], g[e], a[e], b[e], c[e]};
      update_values<kNarrow>(update, scalars, scale, v);
      p[e] = v.parameter, a[e] = v.first, b[e] = v.second, c[e] = v.third;
    }
    if (uses.first) store_to(streams.data[kFirst], kNarrow, four, a);
    if (uses.second) store_to(streams.data[kSecond], kNarrow, four, b);
    if (uses.third) store_to(streams.data[kThird], kNarrow, four, c);
    store_to(streams.data[kParameter], kNarrow, four, p);
    if (streams.data[kCopy]) store_to(streams.data[kCopy], true, four, p);
  }
}

template <bool kNarrow>
__global__ void __launch_bounds__(kBlock)
    strided_kernel(const __grid_constant__ Update update, const __grid_constant__ Strided strided) {
  const AdamScalars scalars = scalars_of(strided.streams);
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

__global__ void scalars_kernel(const __grid_constant__ StepNumbers numbers, AdamOptions options,
                               AdamClock* clock, AdamScalars* scalars) {
  const int k = static_cast<int>(threadIdx.x);
  AdamClock mine = clock ? *clock : AdamClock{};
  if (k < numbers.count) scalars[k] = scalars_at(options, mine, *numbers.step[k]);
  __syncwarp();  // all have read it
  if (clock && k == 0) *clock = mine;
}

__global__ void tick_kernel(AdamClock* clock, AdamOptions options, AdamScalars* scalars) {
  AdamClock now = *clock;
  AdamScalars next;
  tick(now, options, next);
  *clock = now, *scalars = next;
}

/// Whether a tensor is made of fours and each of its memories aligned for them (no memory is, too).
bool in_fours(const Update& update, const Streams& streams) {
  if (other_launches() || streams.count % kFour) return false;
  for (int m = 0; m < kStreams; ++m) {
    const bool narrow = m == kCopy || (m == kGradient ? update.narrow_gradient : update.narrow);
    if (!is_four_aligned(streams.data[m], narrow)) return false;
  }
  return true;
}

using BatchKernel = void (*)(Update, Batch);

Status launch(BatchKernel kernel, const Update& update, const Batch& batch, const Place& place) {
  if (batch.count == 0) return Status::ok;
  kernel<<<blocks_for(batch.start[batch.count]), kBlock, 0, stream_of(place)>>>(update, batch);
  return launched();
}

}  // namespace

Status update_cuda(const Update& update, const Batch& batch, const Place& place) {
  Batch fours, elements;
  for (int k = 0; k < batch.count; ++k) {
    const Streams& streams = batch.streams[k];
    if (in_fours(update, streams))
      fours.add(streams, streams.count / kFour);
    else
      elements.add(streams, streams.count);
  }
  const Status status =
      launch(update.narrow ? fours_kernel<true> : fours_kernel<false>, update, fours, place);
  if (status != Status::ok) return status;
  return launch(update.narrow ? batch_kernel<true> : batch_kernel<false>, update, elements, place);
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

Status adam_scalars_cuda(const StepNumbers& numbers, const AdamOptions& options, AdamClock* clock,
                         AdamScalars* scalars, const Place& place) {
  scalars_kernel<<<1, 32, 0, stream_of(place)>>>(numbers, options, clock, scalars);
  return launched();
}

Status adam_tick_cuda(AdamClock* clock, const AdamOptions& options, AdamScalars* scalars,
                      const Place& place) {
  tick_kernel<<<1, 1, 0, stream_of(place)>>>(clock, options, scalars);
  return launched();
}

}  // namespace assay::kernels
