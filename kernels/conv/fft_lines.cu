// Fourier transforms of whole lines whose length is a power of two: a line is read once and written once. A
// thread takes eight elements through up to three stages in registers; between, the line lies in shared
// memory. The sums and products are those of stage_element (fft_job.hpp), one by one.
#include <cstdint>
#include <cstdlib>
#include <iterator>

#include "kernels/conv/fft_lines.hpp"
#include "kernels/index/each.cuh"
#include "kernels/math/basic.hpp"

namespace assay::kernels {

namespace {

constexpr int kEach = 8;       ///< elements of a thread
constexpr int kThreads = 128;  ///< of a block at least

/// How many of the stages that are left a pass takes.
constexpr int stages_of(int left) { return left < 3 ? left : left == 4 ? 2 : 3; }

/// Words left out in 32, so that the threads of a warp that read a line of 256 or more back meet no bank
/// twice: neighbours read elements 4 or 8 apart where nothing is left for a later pass, else runs of at least
/// four.
constexpr int gap_of(int left) { return left == stages_of(left) ? 1 : 4; }

/// A line in shared memory, for a pass with `kLeft` stages left.
template <int kLeft>
struct SharedLine {
  float *re, *im;
  __device__ __forceinline__ static int place(int at) { return at + (at >> 5) * gap_of(kLeft); }
  __device__ __forceinline__ Complex load(int at) const { return {re[place(at)], im[place(at)]}; }
  __device__ __forceinline__ void store(int at, Complex x) const {
    re[place(at)] = x.re, im[place(at)] = x.im;
  }
};

/// Element k of a line that starts at `line`, as load_line takes it.
template <Side kFrom>
__device__ __forceinline__ Complex element(const float* line, int stride, int n, int k) {
  if constexpr (kFrom == Side::real) return {line[k * stride], 0.0F};
  const bool mirrored = kFrom == Side::half && k > n / 2;
  const float2 x = reinterpret_cast<const float2*>(line)[(mirrored ? n - k : k) * stride];
  const bool flat = kFrom == Side::half && (k == 0 || 2 * k == n);
  return {x.x, flat ? 0.0F : mirrored ? -x.y : x.y};
}

/// `x` of the line at element at(group, element of the group).
template <Side kFrom, int kGroups, int kSize, typename At>
__device__ __forceinline__ void load_groups(const FftJob& job, std::int64_t start, const At& at,
                                            Complex (&x)[kGroups][kSize]) {
  const float* const line = job.in + (kFrom == Side::real ? 1 : 2) * start;
  const auto stride = static_cast<int>(job.in_stride), n = static_cast<int>(job.n);
#pragma unroll
  for (int g = 0; g < kGroups; ++g)
#pragma unroll
    for (int j = 0; j < kSize; ++j) x[g][j] = element<kFrom>(line, stride, n, at(g, j));
}

/// Elements below job.kept, as store_line puts them (a product with 1 changes nothing).
template <bool kReal, int kGroups, int kSize, typename At>
__device__ __forceinline__ void store_groups(const FftJob& job, std::int64_t start, const At& at,
                                             const Complex (&x)[kGroups][kSize]) {
  float* const line = job.out + (kReal ? 1 : 2) * start;
  const auto stride = static_cast<int>(job.out_stride), kept = static_cast<int>(job.kept);
  const float scale = job.scales ? job.scale : 1.0F;
#pragma unroll
  for (int g = 0; g < kGroups; ++g)
#pragma unroll
    for (int j = 0; j < kSize; ++j) {
      const int k = at(g, j);
      if (k >= kept) continue;
      const float re = math::canonical(x[g][j].re * scale);
      if constexpr (kReal)
        line[k * stride] = re;
      else
        reinterpret_cast<float2*>(line)[k * stride] = make_float2(re, math::canonical(x[g][j].im * scale));
    }
}

/// Stages [log_length, log_length + kStages) of one group of 2^kStages elements: element j is that of residue
/// rho + j * next. Afterwards element j is that of output k + length * (the bits of j, reversed).
template <int kLog, int kLogLength, int kStages>
__device__ __forceinline__ void stages(const Complex* __restrict__ table, int k, Complex (&x)[1 << kStages]) {
#pragma unroll
  for (int t = 0; t < kStages; ++t) {
    const int bit = 1 << (kStages - 1 - t);
#pragma unroll
    for (int j = 0; j < 1 << kStages; ++j) {
      if (j & bit) continue;
      int q = 0;  // what earlier stages chose
#pragma unroll
      for (int s = 0; s < t; ++s) q |= (j >> (kStages - 1 - s) & 1) << s;
      const Complex turn = table[(k + (q << kLogLength)) << (kLog - kLogLength - t - 1)];
      const Complex sum = x[j], turned = times(x[j | bit], turn);
      x[j] = plus(sum, turned);
      x[j | bit] = minus(sum, turned);
    }
  }
}

template <int kStages>
__device__ __forceinline__ constexpr int reversed(int j) {
  int q = 0;
  for (int s = 0; s < kStages; ++s) q |= (j >> (kStages - 1 - s) & 1) << s;
  return q;
}

/// From stage kLogLength on. `mine`: of the line's threads.
template <int kLog, int kLogLength>
__device__ __forceinline__ void passes(const FftJob& job, std::int64_t line, bool there, int mine, float* re,
                                       float* im) {
  constexpr int kLeft = kLog - kLogLength, kStages = stages_of(kLeft);
  constexpr int kSize = 1 << kStages, kGroups = kEach / kSize, kLogNext = kLeft - kStages;
  constexpr int kThreadsOfLine = (1 << kLog) / kEach;
  Complex x[kGroups][kSize];
  const auto unit = [&](int g) { return mine + g * kThreadsOfLine; };
  const auto from = [&](int g, int j) {
    return ((unit(g) >> kLogNext) << kLeft) + (unit(g) & ((1 << kLogNext) - 1)) + (j << kLogNext);
  };
  const auto to = [&](int g, int j) {
    return (((unit(g) >> kLogNext) + (reversed<kStages>(j) << kLogLength)) << kLogNext) +
           (unit(g) & ((1 << kLogNext) - 1));
  };
  if (there) {
    if constexpr (kLogLength != 0) {
#pragma unroll
      for (int g = 0; g < kGroups; ++g)
#pragma unroll
        for (int j = 0; j < kSize; ++j) x[g][j] = SharedLine<kLeft>{re, im}.load(from(g, j));
    } else {
      const std::int64_t start = job.in_lines.offset(line);
      if (job.from == Side::real)
        load_groups<Side::real>(job, start, from, x);
      else if (job.from == Side::half)
        load_groups<Side::half>(job, start, from, x);
      else
        load_groups<Side::complex>(job, start, from, x);
    }
#pragma unroll
    for (int g = 0; g < kGroups; ++g) stages<kLog, kLogLength, kStages>(job.table, unit(g) >> kLogNext, x[g]);
  }
  if constexpr (kLogLength != 0 && kLogNext != 0) __syncthreads();  // all have read
  if (there) {
    if constexpr (kLogNext != 0) {
#pragma unroll
      for (int g = 0; g < kGroups; ++g)
#pragma unroll
        for (int j = 0; j < kSize; ++j) SharedLine<kLogNext>{re, im}.store(to(g, j), x[g][j]);
    } else {
      const std::int64_t start = job.out_lines.offset(line);
      if (job.real)
        store_groups<true>(job, start, to, x);
      else
        store_groups<false>(job, start, to, x);
    }
  }
  if constexpr (kLogNext != 0) {
    __syncthreads();
    passes<kLog, kLogLength + kStages>(job, line, there, mine, re, im);
  }
}

constexpr int threads_of(int log) { return (1 << log) / kEach > kThreads ? (1 << log) / kEach : kThreads; }

template <int kLog>
__global__ void __launch_bounds__(threads_of(kLog)) fft_lines(const __grid_constant__ FftJob job) {
  constexpr int kPerLine = (1 << kLog) / kEach, kLines = threads_of(kLog) / kPerLine;
  constexpr int kPlane = (1 << kLog) + (1 << kLog) / 32 * 4 + 1;
  __shared__ float plane[kLines][2][kPlane];
  const int own = static_cast<int>(threadIdx.x) / kPerLine;
  const std::int64_t line = std::int64_t{blockIdx.x} * kLines + own;
  passes<kLog, 0>(job, line, line < job.lines, static_cast<int>(threadIdx.x) % kPerLine, plane[own][0],
                  plane[own][1]);
}

template <int kLog>
void launch(const FftJob& job, cudaStream_t stream) {
  constexpr int kLines = threads_of(kLog) * kEach >> kLog;
  fft_lines<kLog>
      <<<static_cast<unsigned>((job.lines + kLines - 1) / kLines), threads_of(kLog), 0, stream>>>(job);
}

using Launch = void (*)(const FftJob&, cudaStream_t);
constexpr int kShortest = 4;  ///< log2
constexpr Launch kLaunches[] = {launch<4>, launch<5>,  launch<6>,  launch<7>, launch<8>,
                                launch<9>, launch<10>, launch<11>, launch<12>};

/// Of the lengths that are taken; -1 of others.
int row_of(std::int64_t n) {
  for (int row = 0; row < static_cast<int>(std::size(kLaunches)); ++row)
    if (n == std::int64_t{1} << (row + kShortest)) return row;
  return -1;
}

}  // namespace

bool takes_fft_lines(const FftJob& job) {
  const auto near = [&](std::int64_t stride) { return std::llabs(stride) < (std::int64_t{1} << 30) / job.n; };
  const auto pairs = [](const void* data) { return reinterpret_cast<std::uintptr_t>(data) % 8 == 0; };
  return row_of(job.n) >= 0 && job.lines <= std::int64_t{0x7fffffff} && near(job.in_stride) &&
         near(job.out_stride) && (job.from == Side::real || pairs(job.in)) && (job.real || pairs(job.out));
}

Status fft_lines_cuda(const FftJob& job, const Place& place) {
  kLaunches[row_of(job.n)](job, stream_of(place));
  return launched();
}

}  // namespace assay::kernels
