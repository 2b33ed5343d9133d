// A strip of neighbouring outputs at a time: each tap is one pass over the strip, in the chain's order.
#include "kernels/conv/conv_variants.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

constexpr std::int64_t kStrip = 128;

ASSAY_HD float widened(float x) { return x; }
ASSAY_HD float widened(std::uint16_t x) { return from_bf16(x); }

// acc[v] = fma(x[v], w, acc[v]) for v in [first, last); x has a step of `by` between neighbours.
template <typename T>
void tap(float* __restrict acc, const T* x, std::int64_t by, float w, std::int64_t first, std::int64_t last) {
  if (by == 1 && first == 0 && last == kStrip) {
    for (std::int64_t v = 0; v < kStrip; ++v) acc[v] = fma_(widened(x[v]), w, acc[v]);
  } else if (by == 1) {
    for (std::int64_t v = first; v < last; ++v) acc[v] = fma_(widened(x[v]), w, acc[v]);
  } else {
    for (std::int64_t v = first; v < last; ++v) acc[v] = fma_(widened(x[v * by]), w, acc[v]);
  }
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
std::int64_t most(std::int64_t a, std::int64_t b) { return a > b ? a : b; }

struct Range {
  std::int64_t first, last;
};
// The v in [0, n) with 0 <= at + v * by < size.
Range inside(std::int64_t at, std::int64_t by, std::int64_t size, std::int64_t n) {
  const std::int64_t first = at >= 0 ? 0 : least(n, -floor_divide(at, by));
  return {first, most(first, least(n, floor_divide(size - 1 - at, by) + 1))};
}

// One tap of the last dimension for outputs q0 ... q0 + n - 1, of the input line `x`.
template <typename T>
void last_tap(const ConvJob& job, float* acc, const T* x, float w, std::int64_t k, std::int64_t q0,
              std::int64_t n) {
  if (job.divide[2] != 1) {
    for (std::int64_t v = 0; v < n; ++v) {
      const std::int64_t p = job.from(2, q0 + v, k);
      if (p >= 0) acc[v] = fma_(widened(x[p]), w, acc[v]);
    }
    return;
  }
  const std::int64_t by = job.multiply[2];
  const std::int64_t at = q0 * by + job.offset[2] + k * job.step[2];  // of v = 0
  const Range range = inside(at, by, job.in.size[2], n);
  if (range.first < range.last) tap(acc, x + at, by, w, range.first, range.last);
}

struct Line {
  std::int64_t n, c, q0, q1;
};

template <typename T>
void strip(const ConvJob& job, const Line& line, std::int64_t start, std::int64_t n, float* acc) {
  const std::int64_t group = line.c / job.out_group, a = line.c % job.out_group;
  const T* weight = static_cast<const T*>(job.weight) + group * job.weight_group + a * job.weight_out;
  const T* input = static_cast<const T*>(job.in.data) + line.n * job.in.batch_stride +
                   group * job.in_group * job.in.channel_stride;
  for (std::int64_t v = 0; v < n; ++v) acc[v] = 0.0F;
  for (std::int64_t b = 0; b < job.in_group; ++b)
    for (std::int64_t k0 = 0; k0 < job.kernel[0]; ++k0) {
      const std::int64_t p0 = job.from(0, line.q0, k0);
      if (p0 < 0) continue;
      for (std::int64_t k1 = 0; k1 < job.kernel[1]; ++k1) {
        const std::int64_t p1 = job.from(1, line.q1, k1);
        if (p1 < 0) continue;
        const T* x = input + b * job.in.channel_stride + p0 * job.in.stride[0] + p1 * job.in.stride[1];
        const T* w = weight + b * job.weight_in + k0 * job.weight_stride[0] + k1 * job.weight_stride[1];
        for (std::int64_t k = 0; k < job.kernel[2]; ++k)
          last_tap(job, acc, x, widened(w[k * job.weight_stride[2]]), k, start, n);
      }
    }
}

template <typename T>
void store_strip(T* out, std::int64_t by, const float* acc, std::int64_t n);
template <>
void store_strip(float* out, std::int64_t by, const float* acc, std::int64_t n) {
  if (by == 1)
    for (std::int64_t v = 0; v < n; ++v) out[v] = acc[v] == acc[v] ? acc[v] : float_of(kNan32);
  else
    for (std::int64_t v = 0; v < n; ++v) out[v * by] = acc[v] == acc[v] ? acc[v] : float_of(kNan32);
}
template <>
void store_strip(std::uint16_t* out, std::int64_t by, const float* acc, std::int64_t n) {
  for (std::int64_t v = 0; v < n; ++v) out[v * by] = to_bf16(acc[v]);
}

template <typename T>
void lines(const ConvJob& job, std::int64_t begin, std::int64_t end) {
  const Volume& out = job.out;
  for (std::int64_t i = begin; i < end; ++i) {
    std::int64_t rest = i;
    Line line{};
    line.q1 = rest % out.size[1], rest /= out.size[1];
    line.q0 = rest % out.size[0], rest /= out.size[0];
    line.c = rest % out.channels, line.n = rest / out.channels;
    T* base = static_cast<T*>(out.data) + line.n * out.batch_stride + line.c * out.channel_stride +
              line.q0 * out.stride[0] + line.q1 * out.stride[1];
    const float bias = job.bias ? load_element(job.bias, job.narrow, line.c * job.bias_stride) : 0.0F;
    for (std::int64_t start = 0; start < out.size[2]; start += kStrip) {
      alignas(64) float acc[kStrip];
      const std::int64_t n = least(kStrip, out.size[2] - start);
      strip<T>(job, line, start, n, acc);
      if (job.bias)
        for (std::int64_t v = 0; v < n; ++v) acc[v] += bias;
      store_strip(base + start * out.stride[2], out.stride[2], acc, n);
    }
  }
}

// ---- the weight's gradient

constexpr std::int64_t kTerms = 1024;

// R1 steps 1 and 2 over n > 0 terms.
float block_sum(const float* terms, std::int64_t n) {
  alignas(64) float leaf[128];
  const std::int64_t leaves = least(n, 128);
  for (std::int64_t j = 0; j < leaves; ++j) leaf[j] = terms[j];
  std::int64_t i = 128;
  for (; i + 128 <= n; i += 128)
    for (std::int64_t j = 0; j < 128; ++j) leaf[j] += terms[i + j];
  for (std::int64_t j = 0; i + j < n; ++j) leaf[j] += terms[i + j];
  for (std::int64_t h = 64, live = leaves; h > 0; h /= 2) {
    for (std::int64_t j = 0; j < h && j + h < live; ++j) leaf[j] += leaf[j + h];
    live = least(live, h);
  }
  return leaf[0];
}

// Products of n neighbours along the last dimension of one line, from term `at` on.
template <typename T>
void line_terms(const WeightJob& job, const WeightPlace& w, std::int64_t at, std::int64_t n,
                float* __restrict terms) {
  const Volume &g = job.gradient, &x = job.x;
  std::int64_t rest = at;
  const std::int64_t q = rest % g.size[2];
  rest /= g.size[2];
  const std::int64_t q1 = rest % g.size[1];
  rest /= g.size[1];
  const std::int64_t q0 = rest % g.size[0], b = rest / g.size[0];
  const T* from = static_cast<const T*>(g.data) + b * g.batch_stride + w.o * g.channel_stride +
                  q0 * g.stride[0] + q1 * g.stride[1] + q;
  if (job.ones) {
    for (std::int64_t v = 0; v < n; ++v) terms[v] = widened(from[v]);
    return;
  }
  const std::int64_t p0 = q0 * job.stride[0] - job.padding[0] + w.k[0] * job.dilation[0];
  const std::int64_t p1 = q1 * job.stride[1] - job.padding[1] + w.k[1] * job.dilation[1];
  const std::int64_t by = job.stride[2], p2 = q * by - job.padding[2] + w.k[2] * job.dilation[2];
  Range range = inside(p2, by, x.size[2], n);
  if (p0 < 0 || p0 >= x.size[0] || p1 < 0 || p1 >= x.size[1]) range = {0, 0};
  const std::int64_t channel = w.o / job.out_group * job.in_group + w.i;
  const T* line = static_cast<const T*>(x.data) + b * x.batch_stride + channel * x.channel_stride +
                  p0 * x.stride[0] + p1 * x.stride[1] + p2;
  for (std::int64_t v = 0; v < range.first; ++v) terms[v] = 0.0F;
  if (by == 1)
    for (std::int64_t v = range.first; v < range.last; ++v) terms[v] = widened(from[v]) * widened(line[v]);
  else
    for (std::int64_t v = range.first; v < range.last; ++v)
      terms[v] = widened(from[v]) * widened(line[v * by]);
  for (std::int64_t v = range.last; v < n; ++v) terms[v] = 0.0F;
}

template <typename T>
void sums(const WeightJob& job, std::int64_t begin, std::int64_t end) {
  const std::int64_t total = job.terms(), blocks = (total + kTerms - 1) / kTerms, line = job.gradient.size[2];
  alignas(64) float terms[kTerms];
  for (std::int64_t s = begin; s < end; ++s) {
    const WeightPlace w = place_of(job, s);
    float* partial = job.partial + s * blocks;
    for (std::int64_t b = 0; b < blocks; ++b) {
      const std::int64_t first = b * kTerms, n = least(kTerms, total - first);
      for (std::int64_t at = 0; at < n;) {
        const std::int64_t run = least(n - at, line - (first + at) % line);
        line_terms<T>(job, w, first + at, run, terms + at);
        at += run;
      }
      partial[b] = block_sum(terms, n);
    }
    store_weight(job, s, join_blocks(partial, blocks));
  }
}

}  // namespace

void conv_lines(const ConvJob& job, std::int64_t begin, std::int64_t end) {
  if (job.narrow)
    lines<std::uint16_t>(job, begin, end);
  else
    lines<float>(job, begin, end);
}

void conv_weight_sums(const WeightJob& job, std::int64_t begin, std::int64_t end) {
  if (job.narrow)
    sums<std::uint16_t>(job, begin, end);
  else
    sums<float>(job, begin, end);
}

}  // namespace assay::kernels::ASSAY_VARIANT
