// Dropout where everything lies side by side: 16 bytes at a time, of each four elements one block of words.
#include <cmath>

#include "kernels/core/fours.cuh"
#include "kernels/index/each.cuh"
#include "kernels/random/device.hpp"
#include "kernels/random/parts.hpp"

namespace assay::kernels {

namespace {

using Short = std::uint16_t;

constexpr int kInFlight = 2;  ///< units of 16 bytes that a thread has in flight
template <typename T>
using Kept = bool[kSixteenBytes<T>];

template <int N, typename T>
__device__ __forceinline__ void load_unit(float (&x)[N], const T* p) {
  widen(x, __ldg(reinterpret_cast<const uint4*>(p)));
}
__device__ __forceinline__ void store_unit(float* p, const float (&x)[4]) { store_four(p, x); }
__device__ __forceinline__ void store_unit(std::uint16_t* p, const float (&x)[8]) {
  *reinterpret_cast<uint4*>(p) = pack_eight(x, any_nan(x));
}

/// Masks in memory: a byte an element, 1 where it is kept.
template <int N>
__device__ __forceinline__ void load_masks(bool (&kept)[N], const std::uint8_t* p) {
#pragma unroll
  for (int q = 0; q < N / kFour; ++q) {
    const std::uint32_t four = __ldg(reinterpret_cast<const std::uint32_t*>(p) + q);
#pragma unroll
    for (int k = 0; k < kFour; ++k) kept[q * kFour + k] = (four >> 8 * k & 0xffu) != 0;
  }
}
template <int N>
__device__ __forceinline__ std::uint32_t mask_of(const bool (&kept)[N], int q) {
  std::uint32_t four = 0;
#pragma unroll
  for (int k = 0; k < kFour; ++k) four |= kept[q * kFour + k] ? 1u << 8 * k : 0u;
  return four;
}
__device__ __forceinline__ void store_masks(std::uint8_t* p, const bool (&kept)[4]) {
  *reinterpret_cast<std::uint32_t*>(p) = mask_of(kept, 0);
}
__device__ __forceinline__ void store_masks(std::uint8_t* p, const bool (&kept)[8]) {
  *reinterpret_cast<uint2*>(p) = make_uint2(mask_of(kept, 0), mask_of(kept, 1));
}

/// in[i] * scale where it is kept, else in[i] * 0; `ask(unit, kept)` says which of a unit's are.
template <typename T, typename F>
__device__ __forceinline__ void scale_kept(const T* in, T* out, std::int64_t units, float scale, F&& ask) {
  const std::int64_t first = std::int64_t{blockIdx.x} * (kInFlight * kBlock) + threadIdx.x;
  float x[kInFlight][kSixteenBytes<T>];
#pragma unroll
  for (int j = 0; j < kInFlight; ++j)
    if (first + j * kBlock < units) load_unit(x[j], in + kSixteenBytes<T> * (first + j * kBlock));
#pragma unroll
  for (int j = 0; j < kInFlight; ++j) {
    const std::int64_t unit = first + j * kBlock;
    if (unit >= units) continue;
    Kept<T> kept;
    ask(unit, kept);
#pragma unroll
    for (int k = 0; k < kSixteenBytes<T>; ++k) x[j][k] *= kept[k] ? scale : 0.0F;
    store_unit(out + kSixteenBytes<T> * unit, x[j]);
  }
}

template <typename T>
unsigned blocks_of(std::int64_t count) {
  constexpr std::int64_t kElements = kSixteenBytes<T> * kInFlight * kBlock;
  return static_cast<unsigned>((count + kElements - 1) / kElements);
}

/// `limit`: words below it, without their last eight bits, are of numbers below job.keep (unit24). `Masked`:
/// whether the mask is wanted.
template <typename T, bool Masked>
__global__ void __launch_bounds__(kBlock)
    drop_kernel(const __grid_constant__ Dropout job, std::uint32_t limit) {
  const StreamKey key = key_at(job.state);
  scale_kept(static_cast<const T*>(job.x), static_cast<T*>(job.out), job.count / kSixteenBytes<T>, job.scale,
             [&](std::int64_t unit, Kept<T>& kept) {
               constexpr int kBlocks = kSixteenBytes<T> / kFour;
#pragma unroll
               for (int b = 0; b < kBlocks; ++b) {
                 const Words words = block_of(key, static_cast<std::uint64_t>(unit * kBlocks + b));
#pragma unroll
                 for (int k = 0; k < kFour; ++k) kept[b * kFour + k] = words.w[k] >> 8 < limit;
               }
               if constexpr (Masked) store_masks(job.kept + kSixteenBytes<T> * unit, kept);
             });
}

template <typename T>
void launch_drop(const Dropout& job, cudaStream_t stream) {
  const auto limit = static_cast<std::uint32_t>(std::ceil(job.keep * 0x1p24F));  // exact: keep is 0 to 1
  if (job.kept)
    drop_kernel<T, true><<<blocks_of<T>(job.count), kBlock, 0, stream>>>(job, limit);
  else
    drop_kernel<T, false><<<blocks_of<T>(job.count), kBlock, 0, stream>>>(job, limit);
}

template <typename T>
__global__ void __launch_bounds__(kBlock)
    drop_backward_kernel(const __grid_constant__ DropoutBackward job, std::int64_t count) {
  scale_kept(static_cast<const T*>(job.gradient_out), static_cast<T*>(job.gradient), count / kSixteenBytes<T>,
             job.scale,
             [&](std::int64_t unit, Kept<T>& kept) { load_masks(kept, job.kept + kSixteenBytes<T> * unit); });
}

/// Whether `count` elements lie side by side in three memories, in whole units and aligned for them.
bool in_units(Type type, std::int64_t count, const void* in, const Layout& in_layout, const void* out,
              const Layout& out_layout, const void* kept, const Layout& kept_layout) {
  const auto unit = static_cast<std::uintptr_t>(16 / size_of(type));
  const auto data = reinterpret_cast<std::uintptr_t>(in) | reinterpret_cast<std::uintptr_t>(out);
  return !other_launches() && static_cast<std::uintptr_t>(count) % unit == 0 &&
         count < std::int64_t{1} << 40 && in_layout.contiguous() && out_layout.contiguous() &&
         kept_layout.contiguous() && data % 16 == 0 && reinterpret_cast<std::uintptr_t>(kept) % unit == 0;
}

}  // namespace

Status random_dropout_cuda(const Dropout& job, const Place& place) {
  if (job.count == 0) return Status::ok;
  if (!in_units(job.type, job.count, job.x, job.x_layout, job.out, job.out_layout, job.kept, job.kept_layout))
    return each_cuda(place, (job.count + kFour - 1) / kFour, job);
  if (job.type == Type::f32)
    launch_drop<float>(job, stream_of(place));
  else
    launch_drop<Short>(job, stream_of(place));
  return launched();
}

Status random_dropout_backward_cuda(const DropoutBackward& job, std::int64_t count, const Place& place) {
  if (count == 0) return Status::ok;
  if (!in_units(job.type, count, job.gradient_out, job.out_layout, job.gradient, job.gradient_layout,
                job.kept, job.kept_layout))
    return each_cuda(place, count, job);
  if (job.type == Type::f32)
    drop_backward_kernel<float><<<blocks_of<float>(count), kBlock, 0, stream_of(place)>>>(job, count);
  else
    drop_backward_kernel<Short><<<blocks_of<Short>(count), kBlock, 0, stream_of(place)>>>(job, count);
  return launched();
}

ASSAY_EACH_CUDA(Dropout);
ASSAY_EACH_CUDA(DropoutBackward);

}  // namespace assay::kernels
