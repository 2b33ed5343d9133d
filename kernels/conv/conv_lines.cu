// Convolutions along one line, one input channel a group. A warp's lanes lie along whatever is contiguous in
// the input: along channels, each with a run of outputs over which a window of the input slides in registers,
// or along positions.
#include "kernels/conv/lines.hpp"
#include "kernels/index/each.cuh"

namespace assay::kernels {

namespace {

constexpr int kRun = 8;        ///< outputs of a thread along the line, lanes along channels
constexpr int kPositions = 4;  ///< 32 apart, lanes along positions
constexpr int kWarps = 8;

/// One channel of one batch element: where its input and its filter begin, in elements.
struct Line {
  std::int64_t x, w;
  __device__ __forceinline__ Line(const ConvJob& job, std::int64_t n, std::int64_t c) {
    const std::int64_t group = job.out_group == 1 ? c : c / job.out_group;
    x = n * job.in.batch_stride + group * job.in.channel_stride;
    w = group * job.weight_group + (c - group * job.out_group) * job.weight_out;
  }
};

template <bool kNarrow>
__device__ __forceinline__ float tap(const ConvJob& job, const Line& line, int k) {
  return load_element(job.weight, kNarrow, line.w + k * job.weight_stride[2]);
}
template <bool kNarrow>
__device__ __forceinline__ float input(const ConvJob& job, const Line& line, int p) {
  return load_element(job.in.data, kNarrow, line.x + p * job.in.stride[2]);
}

/// All inputs are inside: outputs i at input `first` + i for tap 0, and kStep further for each tap.
template <bool kNarrow, int kStep>
__device__ __forceinline__ void slide(const ConvJob& job, const Line& line, int first, float (&acc)[kRun]) {
  const int taps = static_cast<int>(job.kernel[2]);
  float x[kRun];
#pragma unroll
  for (int i = 0; i + 1 < kRun; ++i)
    x[kStep > 0 ? i + 1 : i] = input<kNarrow>(job, line, kStep > 0 ? first + i : first + 1 + i);
#pragma unroll 4
  for (int k = 0; k < taps; ++k) {
    const float w = tap<kNarrow>(job, line, k);
    if constexpr (kStep > 0) {
#pragma unroll
      for (int i = 0; i + 1 < kRun; ++i) x[i] = x[i + 1];
      x[kRun - 1] = input<kNarrow>(job, line, first + kRun - 1 + k);
    } else {
#pragma unroll
      for (int i = kRun - 1; i > 0; --i) x[i] = x[i - 1];
      x[0] = input<kNarrow>(job, line, first - k);
    }
#pragma unroll
    for (int i = 0; i < kRun; ++i) acc[i] = fma_(x[i], w, acc[i]);
  }
}

/// Outputs `apart` from each other; taps whose input is outside are left out.
template <bool kNarrow, int kCount>
__device__ __forceinline__ void checked(const ConvJob& job, const Line& line, int first, int apart,
                                        float (&acc)[kCount]) {
  const int taps = static_cast<int>(job.kernel[2]), step = static_cast<int>(job.step[2]);
  const auto size = static_cast<unsigned>(job.in.size[2]);
  for (int k = 0; k < taps; ++k) {
    const float w = tap<kNarrow>(job, line, k);
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int p = first + i * apart + k * step;
      if (static_cast<unsigned>(p) < size) acc[i] = fma_(input<kNarrow>(job, line, p), w, acc[i]);
    }
  }
}

__device__ __forceinline__ float stored_bits(float v) { return v == v ? v : float_of(kNan32); }

/// A run of outputs, side by side where they are in memory.
template <bool kNarrow>
__device__ __forceinline__ void store_run(const ConvJob& job, std::int64_t at, int count,
                                          const float (&v)[kRun]) {
  char* const to = static_cast<char*>(job.out.data) + at * (kNarrow ? 2 : 4);
  if (count < kRun || job.out.stride[2] != 1 || reinterpret_cast<std::uintptr_t>(to) % 16 != 0) {
#pragma unroll
    for (int i = 0; i < kRun; ++i)
      if (i < count) store_element(job.out.data, kNarrow, at + i * job.out.stride[2], v[i]);
  } else if constexpr (kNarrow) {
    const auto two = [&](int i) { return to_bf16(v[i]) | std::uint32_t{to_bf16(v[i + 1])} << 16; };
    *reinterpret_cast<uint4*>(to) = make_uint4(two(0), two(2), two(4), two(6));
  } else {
#pragma unroll
    for (int i = 0; i < kRun; i += 4)
      reinterpret_cast<float4*>(to)[i / 4] =
          make_float4(stored_bits(v[i]), stored_bits(v[i + 1]), stored_bits(v[i + 2]), stored_bits(v[i + 3]));
  }
}

template <bool kNarrow, int kStep>
__global__ void __launch_bounds__(kWarps * 32) along_channels(const __grid_constant__ ConvJob job) {
  const std::int64_t c = std::int64_t{blockIdx.y} * 32 + threadIdx.x, n = blockIdx.z;
  const int q = static_cast<int>(blockIdx.x * kWarps + threadIdx.y) * kRun;
  const int size = static_cast<int>(job.out.size[2]);
  if (c >= job.out.channels || q >= size) return;
  const Line line(job, n, c);
  const int first = q + static_cast<int>(job.offset[2]), reach = static_cast<int>(job.kernel[2]) - 1;
  const int lowest = kStep > 0 ? first : first - reach;
  const int highest = first + kRun - 1 + (kStep > 0 ? reach : 0);
  float acc[kRun] = {};
  if (lowest >= 0 && highest < job.in.size[2])
    slide<kNarrow, kStep>(job, line, first, acc);
  else
    checked<kNarrow>(job, line, first, 1, acc);
  if (job.bias) {
    const float bias = load_element(job.bias, kNarrow, c * job.bias_stride);
#pragma unroll
    for (int i = 0; i < kRun; ++i) acc[i] += bias;
  }
  store_run<kNarrow>(job, n * job.out.batch_stride + c * job.out.channel_stride + q * job.out.stride[2],
                     size - q < kRun ? size - q : kRun, acc);
}

template <bool kNarrow>
__global__ void __launch_bounds__(kWarps * 32) along_positions(const __grid_constant__ ConvJob job) {
  const std::int64_t c = std::int64_t{blockIdx.y} * kWarps + threadIdx.y, n = blockIdx.z;
  const int q = static_cast<int>(blockIdx.x * kPositions * 32 + threadIdx.x);
  if (c >= job.out.channels) return;
  float acc[kPositions] = {};
  checked<kNarrow>(job, Line(job, n, c), q + static_cast<int>(job.offset[2]), 32, acc);
  const float bias = job.bias ? load_element(job.bias, kNarrow, c * job.bias_stride) : 0.0F;
  const std::int64_t to = n * job.out.batch_stride + c * job.out.channel_stride;
#pragma unroll
  for (int i = 0; i < kPositions; ++i)
    if (q + 32 * i < job.out.size[2])
      store_element(job.out.data, kNarrow, to + (q + 32 * i) * job.out.stride[2],
                    job.bias ? acc[i] + bias : acc[i]);
}

bool small(std::int64_t x) { return x >= -(1 << 29) && x <= 1 << 29; }

bool lies_along_channels(const ConvJob& job) {
  return job.in.channel_stride == 1 && job.out.channels >= 16 && (job.step[2] == 1 || job.step[2] == -1);
}

dim3 grid_of(const ConvJob& job) {
  const std::int64_t run = lies_along_channels(job) ? kWarps * kRun : kPositions * 32;
  const std::int64_t high = lies_along_channels(job) ? 32 : kWarps;
  return {static_cast<unsigned>((job.out.size[2] + run - 1) / run),
          static_cast<unsigned>((job.out.channels + high - 1) / high), static_cast<unsigned>(job.out.batch)};
}

}  // namespace

bool takes_lines(const ConvJob& job) {
  const bool one_line = job.kernel[0] * job.kernel[1] == 1 && job.out.size[0] * job.out.size[1] == 1 &&
                        job.in.size[0] * job.in.size[1] == 1 && job.offset[0] == 0 && job.offset[1] == 0;
  const bool plain = job.in_group == 1 && job.divide[2] == 1 && job.multiply[2] == 1;
  const bool numbers = small(job.in.size[2]) && small(job.out.size[2]) && small(job.offset[2]) &&
                       small(job.kernel[2]) && small(job.step[2]) && small(job.kernel[2] * job.step[2]);
  return one_line && plain && numbers && job.out.batch > 0 && job.out.batch <= 65535 &&
         job.out.channels > 0 && job.out.channels <= 65535 * kWarps && job.out.size[2] > 0;
}

Status convolve_lines_cuda(const ConvJob& job, const Place& place) {
  const auto channels = job.narrow ? (job.step[2] > 0 ? along_channels<true, 1> : along_channels<true, -1>)
                                   : (job.step[2] > 0 ? along_channels<false, 1> : along_channels<false, -1>);
  const auto positions = job.narrow ? along_positions<true> : along_positions<false>;
  (lies_along_channels(job) ? channels
                            : positions)<<<grid_of(job), dim3(32, kWarps), 0, stream_of(place)>>>(job);
  return launched();
}

}  // namespace assay::kernels
