// Dropout where everything lies side by side: four elements at a time, which are one block of words.
#include "kernels/core/fours.cuh"
#include "kernels/index/each.cuh"
#include "kernels/random/device.hpp"
#include "kernels/random/parts.hpp"

namespace assay::kernels {

namespace {

constexpr int kInFlight = 2;  ///< fours that a thread has in flight

/// in[i] * noise, for elements that a mask keeps; `keeps(four, mask)` gives the mask of elements 4 * four on.
template <typename T, typename F>
__device__ __forceinline__ void scale_kept(const T* in, T* out, std::int64_t fours, float scale, F&& keeps) {
  const std::int64_t first = std::int64_t{blockIdx.x} * (kInFlight * kBlock) + threadIdx.x;
  float x[kInFlight][kFour];
#pragma unroll
  for (int j = 0; j < kInFlight; ++j)
    if (first + j * kBlock < fours) load_four(x[j], in + kFour * (first + j * kBlock));
#pragma unroll
  for (int j = 0; j < kInFlight; ++j) {
    const std::int64_t four = first + j * kBlock;
    if (four >= fours) continue;
    bool kept[kFour];
    keeps(four, kept);
#pragma unroll
    for (int k = 0; k < kFour; ++k) x[j][k] *= kept[k] ? scale : 0.0F;
    store_four(out + kFour * four, x[j]);
  }
}

template <typename T>
__global__ void __launch_bounds__(kBlock) drop_kernel(const __grid_constant__ Dropout job) {
  const StreamKey key = key_at(job.state);
  scale_kept(static_cast<const T*>(job.x), static_cast<T*>(job.out), job.count / kFour, job.scale,
             [&](std::int64_t four, bool(&kept)[kFour]) {
               const Words words = block_of(key, static_cast<std::uint64_t>(four));
#pragma unroll
               for (int k = 0; k < kFour; ++k) kept[k] = unit24(words.w[k]) < job.keep;
               reinterpret_cast<uchar4*>(job.kept)[four] = make_uchar4(kept[0], kept[1], kept[2], kept[3]);
             });
}

template <typename T>
__global__ void __launch_bounds__(kBlock)
    drop_backward_kernel(const __grid_constant__ DropoutBackward job, std::int64_t count) {
  scale_kept(static_cast<const T*>(job.gradient_out), static_cast<T*>(job.gradient), count / kFour, job.scale,
             [&](std::int64_t four, bool(&kept)[kFour]) {
               const uchar4 mask = reinterpret_cast<const uchar4*>(job.kept)[four];
               kept[0] = mask.x, kept[1] = mask.y, kept[2] = mask.z, kept[3] = mask.w;
             });
}

/// Whether `count` elements lie side by side in three memories, aligned for four at once.
bool in_fours(Type type, std::int64_t count, const void* in, const Layout& in_layout, const void* out,
              const Layout& out_layout, const void* kept, const Layout& kept_layout) {
  const bool narrow = type == Type::bf16;
  return !other_launches() && count % kFour == 0 && count < std::int64_t{1} << 40 && in_layout.contiguous() &&
         out_layout.contiguous() && kept_layout.contiguous() && is_four_aligned(in, narrow) &&
         is_four_aligned(out, narrow) && reinterpret_cast<std::uintptr_t>(kept) % kFour == 0;
}

unsigned blocks_of(std::int64_t count) {
  constexpr std::int64_t kElements = kFour * kInFlight * kBlock;
  return static_cast<unsigned>((count + kElements - 1) / kElements);
}

}  // namespace

Status random_dropout_cuda(const Dropout& job, const Place& place) {
  if (job.count == 0) return Status::ok;
  if (!in_fours(job.type, job.count, job.x, job.x_layout, job.out, job.out_layout, job.kept, job.kept_layout))
    return each_cuda(place, (job.count + kFour - 1) / kFour, job);
  if (job.type == Type::f32)
    drop_kernel<float><<<blocks_of(job.count), kBlock, 0, stream_of(place)>>>(job);
  else
    drop_kernel<std::uint16_t><<<blocks_of(job.count), kBlock, 0, stream_of(place)>>>(job);
  return launched();
}

Status random_dropout_backward_cuda(const DropoutBackward& job, std::int64_t count, const Place& place) {
  if (count == 0) return Status::ok;
  if (!in_fours(job.type, count, job.gradient_out, job.out_layout, job.gradient, job.gradient_layout,
                job.kept, job.kept_layout))
    return each_cuda(place, count, job);
  if (job.type == Type::f32)
    drop_backward_kernel<float><<<blocks_of(count), kBlock, 0, stream_of(place)>>>(job, count);
  else
    drop_backward_kernel<std::uint16_t><<<blocks_of(count), kBlock, 0, stream_of(place)>>>(job, count);
  return launched();
}

ASSAY_EACH_CUDA(Dropout);
ASSAY_EACH_CUDA(DropoutBackward);

}  // namespace assay::kernels
