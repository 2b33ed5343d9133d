// One element's share of pooling, for host and device.
#pragma once

#include "kernels/conv/conv_job.hpp"
#include "kernels/conv/pool.hpp"

namespace assay::kernels {

struct Span {
  std::int64_t first, last;  // positions of one dimension, last excluded
  ASSAY_HD_MEMBER std::int64_t size() const { return last > first ? last - first : 0; }
};

/// PoolShape with its dimensions at the end of three, and both sides.
struct Pool {
  Volume x, y;
  bool narrow = false;
  PoolShape shape;  ///< spatial = 3
  std::int64_t* indices = nullptr;
  std::int64_t index_stride[5] = {};

  ASSAY_HD_MEMBER void split(const Volume& v, std::int64_t i, std::int64_t* at) const {
    for (int d = 2; d >= 0; --d) {
      at[2 + d] = i % v.size[d];
      i /= v.size[d];
    }
    at[1] = i % v.channels;
    at[0] = i / v.channels;
  }
  ASSAY_HD_MEMBER static std::int64_t offset(const Volume& v, const std::int64_t* at) {
    return at[0] * v.batch_stride + at[1] * v.channel_stride + at[2] * v.stride[0] + at[3] * v.stride[1] +
           at[4] * v.stride[2];
  }
  ASSAY_HD_MEMBER std::int64_t& index(const std::int64_t* at) const {
    std::int64_t offset = 0;
    for (int d = 0; d < 5; ++d) offset += at[d] * index_stride[d];
    return indices[offset];
  }
  /// The window of y's position q, without dilation; `inside`: cut to x.
  ASSAY_HD_MEMBER Span window(int d, std::int64_t q, bool inside) const {
    const std::int64_t size = x.size[d];
    if (shape.adaptive) return {q * size / y.size[d], ((q + 1) * size + y.size[d] - 1) / y.size[d]};
    const std::int64_t first = q * shape.stride[d] - shape.padding[d];
    std::int64_t last = first + shape.kernel[d];
    if (last > size + shape.padding[d]) last = size + shape.padding[d];
    if (!inside) return {first, last};
    return {first < 0 ? 0 : first, last > size ? size : last};
  }
  ASSAY_HD_MEMBER float count(const std::int64_t* y_at) const {
    if (shape.divisor != 0 && !shape.adaptive) return static_cast<float>(shape.divisor);
    std::int64_t n = 1;
    for (int d = 0; d < 3; ++d) n *= window(d, y_at[2 + d], !shape.counts_padding || shape.adaptive).size();
    return static_cast<float>(n);
  }
  /// Positions of y whose windows may hold x's position p.
  ASSAY_HD_MEMBER Span holders(int d, std::int64_t p) const {
    const std::int64_t size = y.size[d];
    if (shape.adaptive) return {p * size / x.size[d], ((p + 1) * size + x.size[d] - 1) / x.size[d]};
    const std::int64_t reach = (shape.kernel[d] - 1) * shape.dilation[d], at = p + shape.padding[d];
    const std::int64_t first = at > reach ? (at - reach + shape.stride[d] - 1) / shape.stride[d] : 0;
    const std::int64_t last = at / shape.stride[d] + 1;
    return {first, last < size ? last : size};
  }
};

struct MeanPool {
  Pool pool;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    std::int64_t at[5];
    pool.split(pool.y, i, at);
    const Span s0 = pool.window(0, at[2], true), s1 = pool.window(1, at[3], true),
               s2 = pool.window(2, at[4], true);
    float sum = 0.0F;
    std::int64_t from[5] = {at[0], at[1], 0, 0, 0};
    for (from[2] = s0.first; from[2] < s0.last; ++from[2])
      for (from[3] = s1.first; from[3] < s1.last; ++from[3])
        for (from[4] = s2.first; from[4] < s2.last; ++from[4])
          sum += load_element(pool.x.data, pool.narrow, Pool::offset(pool.x, from));
    const bool empty = s0.size() * s1.size() * s2.size() == 0;
    store_element(pool.y.data, pool.narrow, Pool::offset(pool.y, at), empty ? 0.0F : sum / pool.count(at));
  }
};

/// kMaximum: by index; else the mean's gradient.
template <bool kMaximum>
struct PoolGradient {
  Pool pool;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    std::int64_t at[5];
    pool.split(pool.x, i, at);
    const std::int64_t place = (at[2] * pool.x.size[1] + at[3]) * pool.x.size[2] + at[4];
    const Span s0 = pool.holders(0, at[2]), s1 = pool.holders(1, at[3]), s2 = pool.holders(2, at[4]);
    float sum = 0.0F;
    std::int64_t q[5] = {at[0], at[1], 0, 0, 0};
    for (q[2] = s0.first; q[2] < s0.last; ++q[2])
      for (q[3] = s1.first; q[3] < s1.last; ++q[3])
        for (q[4] = s2.first; q[4] < s2.last; ++q[4]) {
          if (kMaximum ? pool.index(q) != place : !holds(q, at)) continue;
          const float g = load_element(pool.y.data, pool.narrow, Pool::offset(pool.y, q));
          sum += kMaximum ? g : g / pool.count(q);
        }
    store_element(pool.x.data, pool.narrow, Pool::offset(pool.x, at), sum);
  }
  ASSAY_HD_MEMBER bool holds(const std::int64_t* q, const std::int64_t* at) const {
    for (int d = 0; d < 3; ++d) {
      const Span s = pool.window(d, q[2 + d], true);
      if (at[2 + d] < s.first || at[2 + d] >= s.last) return false;
    }
    return true;
  }
};

struct MaxPool {
  Pool pool;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    std::int64_t at[5], from[5];
    pool.split(pool.y, i, at);
    from[0] = at[0], from[1] = at[1];
    float best = -float_of(0x7f800000);
    std::int64_t where = -1;
    const PoolShape& s = pool.shape;
    std::int64_t first[3], size[3], step[3];
    for (int d = 0; d < 3; ++d) {
      const Span whole = pool.window(d, at[2 + d], true);
      first[d] = s.adaptive ? whole.first : at[2 + d] * s.stride[d] - s.padding[d];
      size[d] = s.adaptive ? whole.size() : s.kernel[d];
      step[d] = s.adaptive ? 1 : s.dilation[d];
    }
    for (std::int64_t k0 = 0; k0 < size[0]; ++k0)
      for (std::int64_t k1 = 0; k1 < size[1]; ++k1)
        for (std::int64_t k2 = 0; k2 < size[2]; ++k2) {
          const std::int64_t k[3] = {k0, k1, k2};
          bool inside = true;
          for (int d = 0; d < 3; ++d) {
            from[2 + d] = first[d] + k[d] * step[d];
            inside = inside && from[2 + d] >= 0 && from[2 + d] < pool.x.size[d];
          }
          if (!inside) continue;
          const float v = load_element(pool.x.data, pool.narrow, Pool::offset(pool.x, from));
          if (where >= 0 && !(v > best) && !(v != v && best == best)) continue;
          best = v;
          where = (from[2] * pool.x.size[1] + from[3]) * pool.x.size[2] + from[4];
        }
    store_element(pool.y.data, pool.narrow, Pool::offset(pool.y, at), best);
    pool.index(at) = where;
  }
};

}  // namespace assay::kernels
