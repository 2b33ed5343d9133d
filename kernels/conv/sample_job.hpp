// One element's share of interpolation, grid sampling and patches, for host and device.
#pragma once

#include "kernels/conv/taps.hpp"
#include "kernels/core/place.hpp"

namespace assay::kernels {

/// An element of a volume: batch, channel and three positions.
struct Spot {
  std::int64_t batch, channel, at[3];
};
ASSAY_HD Spot spot_of(const Volume& v, std::int64_t i) {
  Spot s;
  for (int d = 2; d >= 0; --d) {
    s.at[d] = i % v.size[d];
    i /= v.size[d];
  }
  s.channel = i % v.channels, s.batch = i / v.channels;
  return s;
}
ASSAY_HD std::int64_t plane_offset(const Volume& v, std::int64_t batch, std::int64_t channel) {
  return batch * v.batch_stride + channel * v.channel_stride;
}
ASSAY_HD std::int64_t point_offset(const Volume& v, const std::int64_t* at) {
  return at[0] * v.stride[0] + at[1] * v.stride[1] + at[2] * v.stride[2];
}

struct InterpolateJob {
  Volume x, y;
  bool narrow = false;
  Axis axis[3];
};

struct Interpolate {
  InterpolateJob job;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const Spot s = spot_of(job.y, i);
    Taps taps[3];
    for (int d = 0; d < 3; ++d) taps[d] = job.axis[d].taps(s.at[d]);
    const float v = sampled(job.x, job.narrow, plane_offset(job.x, s.batch, s.channel), taps);
    store_element(job.y.data, job.narrow, plane_offset(job.y, s.batch, s.channel) + point_offset(job.y, s.at),
                  v);
  }
};

struct InterpolateGradient {
  InterpolateJob job;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const Spot s = spot_of(job.x, i);
    std::int64_t begin[3], end[3];
    for (int d = 0; d < 3; ++d) {
      const bool same = job.axis[d].size == job.axis[d].outputs;
      begin[d] = same ? s.at[d] : job.axis[d].bound(s.at[d], true);
      end[d] = same ? s.at[d] + 1 : job.axis[d].bound(s.at[d], false);
    }
    const std::int64_t plane = plane_offset(job.y, s.batch, s.channel);
    float sum = 0.0F;
    Taps taps[3];
    std::int64_t q[3];
    for (q[0] = begin[0]; q[0] < end[0]; ++q[0]) {
      taps[0] = job.axis[0].taps(q[0]);
      for (q[1] = begin[1]; q[1] < end[1]; ++q[1]) {
        taps[1] = job.axis[1].taps(q[1]);
        for (q[2] = begin[2]; q[2] < end[2]; ++q[2]) {
          taps[2] = job.axis[2].taps(q[2]);
          sum = joined(s, taps, load_element(job.y.data, job.narrow, plane + point_offset(job.y, q)), sum);
        }
      }
    }
    store_element(job.x.data, job.narrow, plane_offset(job.x, s.batch, s.channel) + point_offset(job.x, s.at),
                  sum);
  }
  ASSAY_HD_MEMBER static float joined(const Spot& s, const Taps* taps, float g, float sum) {
    for (int a = 0; a < taps[0].count; ++a)
      for (int b = 0; b < taps[1].count; ++b)
        for (int c = 0; c < taps[2].count; ++c)
          if (taps[0].at[a] == s.at[0] && taps[1].at[b] == s.at[1] && taps[2].at[c] == s.at[2])
            sum += g * (taps[2].weight[c] * taps[1].weight[b] * taps[0].weight[a]);
    return sum;
  }
};

struct GridJob {
  Volume x, y;  ///< y's channels are x's
  bool narrow = false;
  int spatial = 2;
  void* grid = nullptr;
  std::int64_t grid_batch = 0, grid_point[3] = {}, grid_component = 0;
  Sampling mode = Sampling::linear;
  Padding padding = Padding::zeros;
  bool aligned = false;
  int combinations = 1;  ///< of taps

  ASSAY_HD_MEMBER std::int64_t grid_offset(std::int64_t batch, const std::int64_t* at) const {
    return batch * grid_batch + at[0] * grid_point[0] + at[1] * grid_point[1] + at[2] * grid_point[2];
  }
  /// Taps of the three dimensions; with `slopes` their derivatives and factors too (of those that are there).
  ASSAY_HD_MEMBER void taps(std::int64_t batch, const std::int64_t* at, Taps* taps, Taps* slopes,
                            float* factors) const {
    const std::int64_t from = grid_offset(batch, at);
    for (int k = 0; k < spatial; ++k) {
      const int d = 2 - k;
      taps[d] = grid_taps(load_element(grid, narrow, from + k * grid_component), x.size[d], mode, padding,
                          aligned, slopes ? slopes + d : nullptr, slopes ? factors + d : nullptr);
    }
  }
};

struct GridSample {
  GridJob job;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const Spot s = spot_of(job.y, i);
    Taps taps[3];
    job.taps(s.batch, s.at, taps, nullptr, nullptr);
    const float v = sampled(job.x, job.narrow, plane_offset(job.x, s.batch, s.channel), taps);
    store_element(job.y.data, job.narrow, plane_offset(job.y, s.batch, s.channel) + point_offset(job.y, s.at),
                  v);
  }
};

/// i: (batch, position of y). `job.y` holds the gradient; `out` is laid out by the strides given.
struct GridSlopes {
  GridJob job;
  void* out = nullptr;
  std::int64_t out_batch = 0, out_point[3] = {}, out_component = 0;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    Volume points = job.y;
    points.channels = 1;
    const Spot s = spot_of(points, i);
    const std::int64_t to =
        s.batch * out_batch + s.at[0] * out_point[0] + s.at[1] * out_point[1] + s.at[2] * out_point[2];
    Taps taps[3], slopes[3];
    float factors[3] = {0.0F, 0.0F, 0.0F};
    const bool flat = job.mode == Sampling::nearest;
    if (!flat) job.taps(s.batch, s.at, taps, slopes, factors);
    for (int k = 0; k < job.spatial; ++k) {
      const int d = 2 - k;
      float sum = 0.0F;
      if (!flat) {
        Taps turned[3] = {taps[0], taps[1], taps[2]};
        turned[d] = slopes[d];
        for (std::int64_t c = 0; c < job.y.channels; ++c) {
          const float g = load_element(job.y.data, job.narrow,
                                       plane_offset(job.y, s.batch, c) + point_offset(job.y, s.at));
          sum += g * sampled(job.x, job.narrow, plane_offset(job.x, s.batch, c), turned);
        }
        sum = sum * factors[d];
      }
      store_element(out, job.narrow, to + k * out_component, sum);
    }
  }
};

/// Where one combination of taps lands in x's spatial dimensions (-1: outside) and its weight.
struct Landing {
  std::int64_t slot;
  float weight;
};
ASSAY_HD Landing landing(const Volume& x, const Taps* taps, int combination) {
  const int c = combination % taps[2].count, rest = combination / taps[2].count;
  const int b = rest % taps[1].count, a = rest / taps[1].count;
  const std::int64_t p0 = taps[0].at[a], p1 = taps[1].at[b], p2 = taps[2].at[c];
  const bool inside = p0 >= 0 && p1 >= 0 && p2 >= 0;
  return {inside ? (p0 * x.size[1] + p1) * x.size[2] + p2 : -1,
          taps[2].weight[c] * taps[1].weight[b] * taps[0].weight[a]};
}

struct PatchJob {
  Volume x;       ///< two spatial dimensions, at the end
  void* columns;  ///< (batch, channel * kernel, window) by strides
  std::int64_t column_stride[3];
  std::int64_t windows[2];
  PatchShape shape;
  bool narrow = false;
};

/// i: (batch, channel, kernel position, window), row-major.
struct Patches {
  PatchJob job;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const PatchShape& s = job.shape;
    const std::int64_t w1 = i % job.windows[1], w0 = i / job.windows[1] % job.windows[0];
    const std::int64_t window = w0 * job.windows[1] + w1;
    i /= job.windows[0] * job.windows[1];
    const std::int64_t row = i % (job.x.channels * s.kernel[0] * s.kernel[1]);
    const std::int64_t batch = i / (job.x.channels * s.kernel[0] * s.kernel[1]);
    const std::int64_t k1 = row % s.kernel[1], k0 = row / s.kernel[1] % s.kernel[0],
                       channel = row / (s.kernel[0] * s.kernel[1]);
    const std::int64_t p0 = w0 * s.stride[0] - s.padding[0] + k0 * s.dilation[0],
                       p1 = w1 * s.stride[1] - s.padding[1] + k1 * s.dilation[1];
    const bool inside = p0 >= 0 && p0 < job.x.size[1] && p1 >= 0 && p1 < job.x.size[2];
    const float v =
        inside
            ? load_element(job.x.data, job.narrow,
                           plane_offset(job.x, batch, channel) + p0 * job.x.stride[1] + p1 * job.x.stride[2])
            : 0.0F;
    store_element(job.columns, job.narrow,
                  batch * job.column_stride[0] + row * job.column_stride[1] + window * job.column_stride[2],
                  v);
  }
};

/// i: an element of x.
struct PatchesJoined {
  PatchJob job;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const PatchShape& s = job.shape;
    const Spot spot = spot_of(job.x, i);
    float sum = 0.0F;
    for (std::int64_t k0 = 0; k0 < s.kernel[0]; ++k0) {
      const std::int64_t w0 = window(0, spot.at[1], k0);
      if (w0 < 0) continue;
      for (std::int64_t k1 = 0; k1 < s.kernel[1]; ++k1) {
        const std::int64_t w1 = window(1, spot.at[2], k1);
        if (w1 < 0) continue;
        const std::int64_t row = (spot.channel * s.kernel[0] + k0) * s.kernel[1] + k1;
        sum += load_element(job.columns, job.narrow,
                            spot.batch * job.column_stride[0] + row * job.column_stride[1] +
                                (w0 * job.windows[1] + w1) * job.column_stride[2]);
      }
    }
    store_element(job.x.data, job.narrow,
                  plane_offset(job.x, spot.batch, spot.channel) + point_offset(job.x, spot.at), sum);
  }
  /// The window that has position p under kernel position k; -1: none.
  ASSAY_HD_MEMBER std::int64_t window(int d, std::int64_t p, std::int64_t k) const {
    const PatchShape& s = job.shape;
    const std::int64_t from = p + s.padding[d] - k * s.dilation[d];
    if (from < 0 || from % s.stride[d] != 0) return -1;
    return from / s.stride[d] < job.windows[d] ? from / s.stride[d] : -1;
  }
};

#if defined(ASSAY_HAS_CUDA)
/// The input's gradient by sorting: `gradient_x` is +0 everywhere.
Status grid_scatter_cuda(const GridJob& job, const Volume& gradient_x, const Place& place);
#endif

}  // namespace assay::kernels
