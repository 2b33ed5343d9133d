// The gradient of a depthwise filter along one line: a thread reads a gradient once for four taps. A warp's
// lanes lie along channels or along the leaves of R1, whichever is contiguous in memory; a leaf that is not
// there is -0, which joined to anything changes nothing.
#include "kernels/conv/lines.hpp"
#include "kernels/core/halved.cuh"
#include "kernels/index/each.cuh"

namespace assay::kernels {

namespace {

constexpr int kTaps = 4;
constexpr int kWarps = 8;
constexpr int kBlockTerms = 1024, kLeaves = 128;

struct Sum {
  __device__ __forceinline__ float operator()(float a, float b) const { return a + b; }
};

/// One channel and four of its taps.
struct Taps {
  std::int64_t g, x;  ///< where the channel begins, in elements
  int first;          ///< tap

  __device__ __forceinline__ Taps(const WeightJob& job, std::int64_t channel, int tap)
      : g(channel * job.gradient.channel_stride),
        x((job.out_group == 1 ? channel : channel / job.out_group) * job.x.channel_stride),
        first(tap) {}
};

/// Adds term t of each tap to its leaf.
template <bool kNarrow>
__device__ __forceinline__ void add_terms(const WeightJob& job, const Taps& taps, unsigned t,
                                          float (&leaf)[kTaps]) {
  const auto length = static_cast<unsigned>(job.gradient.size[2]);
  const unsigned n = t / length, q = t - n * length;
  const float g = load_element(job.gradient.data, kNarrow,
                               taps.g + n * job.gradient.batch_stride + q * job.gradient.stride[2]);
  const std::int64_t line = taps.x + n * job.x.batch_stride;
  const int step = static_cast<int>(job.dilation[2]);
  int p = static_cast<int>(q) * static_cast<int>(job.stride[2]) - static_cast<int>(job.padding[2]) +
          taps.first * step;
#pragma unroll
  for (int u = 0; u < kTaps; ++u, p += step) {
    float term = 0.0F;
    if (taps.first + u < job.kernel[2] && static_cast<unsigned>(p) < static_cast<unsigned>(job.x.size[2]))
      term = g * load_element(job.x.data, kNarrow, line + p * job.x.stride[2]);
    leaf[u] += term;
  }
}

/// Adds the terms of leaf + i * kApart, i < kCount, to leaves[][i]; `first`: of the block, `end`: of its
/// terms.
template <bool kNarrow, int kCount, int kApart>
__device__ __forceinline__ void fill(const WeightJob& job, const Taps& taps, unsigned first, unsigned end,
                                     int leaf, float (&leaves)[kTaps][kCount]) {
#pragma unroll
  for (int u = 0; u < kTaps; ++u)
#pragma unroll
    for (int i = 0; i < kCount; ++i) leaves[u][i] = -0.0F;
#pragma unroll 1
  for (unsigned round = first + leaf; round < end; round += kLeaves)
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const unsigned t = round + i * kApart;
      if (t >= end) break;
      float sums[kTaps];
#pragma unroll
      for (int u = 0; u < kTaps; ++u) sums[u] = leaves[u][i];
      add_terms<kNarrow>(job, taps, t, sums);
#pragma unroll
      for (int u = 0; u < kTaps; ++u) leaves[u][i] = sums[u];
    }
}

/// What a thread block sums: one block of R1 for some channels.
struct Span {
  unsigned first, end;
  __device__ __forceinline__ explicit Span(const WeightJob& job) {
    first = blockIdx.y * kBlockTerms;
    const auto all = static_cast<unsigned>(job.terms());
    end = all - first < kBlockTerms ? all : first + kBlockTerms;
  }
};

__device__ __forceinline__ void put(const WeightJob& job, std::int64_t channel, int tap, float sum) {
  if (channel < job.gradient.channels && tap < job.kernel[2])
    job.partial[(channel * job.kernel[2] + tap) * gridDim.y + blockIdx.y] = sum;
}

/// A thread owns the 16 leaves of one class modulo 8; the last halvings join the classes.
template <bool kNarrow>
__global__ void __launch_bounds__(kWarps * 32) along_channels(const __grid_constant__ WeightJob job) {
  __shared__ float classes[kTaps][kWarps][32];
  const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
  const std::int64_t channel = std::int64_t{blockIdx.x} * 32 + lane;
  const int tap = static_cast<int>(blockIdx.z) * kTaps;
  if (channel < job.gradient.channels) {
    const Span span(job);
    float leaves[kTaps][kLeaves / kWarps];
    fill<kNarrow, kLeaves / kWarps, kWarps>(job, Taps(job, channel, tap), span.first, span.end, warp, leaves);
#pragma unroll
    for (int u = 0; u < kTaps; ++u) classes[u][warp][lane] = halved(leaves[u], Sum());
  }
  __syncthreads();
  if (warp >= kTaps) return;
  float v[kWarps];
#pragma unroll
  for (int w = 0; w < kWarps; ++w) v[w] = classes[warp][w][lane];
  put(job, channel, tap + warp, halved(v, Sum()));
}

/// A warp owns a channel, a lane the leaves lane + 32 i.
template <bool kNarrow>
__global__ void __launch_bounds__(kWarps * 32) along_positions(const __grid_constant__ WeightJob job) {
  const std::int64_t channel = std::int64_t{blockIdx.x} * kWarps + threadIdx.y;
  if (channel >= job.gradient.channels) return;
  const int tap = static_cast<int>(blockIdx.z) * kTaps;
  const Span span(job);
  float leaves[kTaps][kLeaves / 32];
  fill<kNarrow, kLeaves / 32, 32>(job, Taps(job, channel, tap), span.first, span.end,
                                  static_cast<int>(threadIdx.x), leaves);
#pragma unroll
  for (int u = 0; u < kTaps; ++u) {
    float sum = halved(leaves[u], Sum());
#pragma unroll
    for (int h = 16; h > 0; h /= 2) sum += __shfl_xor_sync(0xffffffffU, sum, h);
    if (threadIdx.x == 0) put(job, channel, tap + u, sum);
  }
}

bool small(std::int64_t x) { return x >= 0 && x <= 1 << 29; }

}  // namespace

bool takes_weight_lines(const WeightJob& job) {
  const Volume &g = job.gradient, &x = job.x;
  const bool one_line = g.size[0] * g.size[1] == 1 && x.size[0] * x.size[1] == 1 &&
                        job.kernel[0] * job.kernel[1] == 1 && job.padding[0] == 0 && job.padding[1] == 0;
  const bool numbers = small(job.terms()) && small(x.size[2]) && small(job.padding[2]) &&
                       small(job.kernel[2] * job.dilation[2]) && small(g.size[2] * job.stride[2]) &&
                       small(job.stride[2]) && small(job.dilation[2]);
  return !job.ones && job.in_group == 1 && one_line && numbers && job.terms() > 0 &&
         job.terms() <= std::int64_t{65535} * kBlockTerms && job.kernel[2] > 0 &&
         job.kernel[2] <= std::int64_t{65535} * kTaps && g.channels > 0 && small(g.channels);
}

Status weight_lines_cuda(const WeightJob& job, const Place& place) {
  const bool channels =
      (job.x.channel_stride == 1 || job.gradient.channel_stride == 1) && job.gradient.channels >= 16;
  const int each = channels ? 32 : kWarps;
  const dim3 grid(static_cast<unsigned>((job.gradient.channels + each - 1) / each),
                  static_cast<unsigned>((job.terms() + kBlockTerms - 1) / kBlockTerms),
                  static_cast<unsigned>((job.kernel[2] + kTaps - 1) / kTaps));
  const auto kernel = channels ? (job.narrow ? along_channels<true> : along_channels<false>)
                               : (job.narrow ? along_positions<true> : along_positions<false>);
  kernel<<<grid, dim3(32, kWarps), 0, stream_of(place)>>>(job);
  return launched();
}

}  // namespace assay::kernels
