// Which elements a sampled position takes, and with what weights: docs/determinism.md, R8, Sampling. One
// source for host and device.
#pragma once

#include "kernels/conv/conv_job.hpp"
#include "kernels/conv/sample.hpp"
#include "kernels/math/math.hpp"

namespace assay::kernels {

inline constexpr int kMaxTaps = 4;
inline constexpr float kCubicA = -0.75F;

/// Positions along one dimension, -1 outside, and their weights. One tap at 0 of weight 1 for a dimension
/// that is not there.
struct Taps {
  int count = 1;
  std::int64_t at[kMaxTaps] = {};
  float weight[kMaxTaps] = {1.0F};
};

ASSAY_HD float cubic_near(float t) { return ((kCubicA + 2.0F) * t - (kCubicA + 3.0F)) * t * t + 1.0F; }
ASSAY_HD float cubic_far(float t) {
  return ((kCubicA * t - 5.0F * kCubicA) * t + 8.0F * kCubicA) * t - 4.0F * kCubicA;
}
ASSAY_HD float cubic_near_slope(float t) {
  return (3.0F * (kCubicA + 2.0F) * t - 2.0F * (kCubicA + 3.0F)) * t;
}
ASSAY_HD float cubic_far_slope(float t) {
  return (3.0F * kCubicA * t - 10.0F * kCubicA) * t + 8.0F * kCubicA;
}

ASSAY_HD void cubic_weights(float t, float* weight) {
  const float u = 1.0F - t;
  weight[0] = cubic_far(t + 1.0F), weight[1] = cubic_near(t);
  weight[2] = cubic_near(u), weight[3] = cubic_far(u + 1.0F);
}
ASSAY_HD void cubic_slopes(float t, float* weight) {
  const float u = 1.0F - t;
  weight[0] = cubic_far_slope(t + 1.0F), weight[1] = cubic_near_slope(t);
  weight[2] = -cubic_near_slope(u), weight[3] = -cubic_far_slope(u + 1.0F);
}

ASSAY_HD std::int64_t clamped(std::int64_t p, std::int64_t n) { return p < 0 ? 0 : p < n ? p : n - 1; }

// ---- interpolation

/// One dimension of an interpolation.
struct Axis {
  std::int64_t size = 1, outputs = 1;
  float ratio = 1.0F;
  Sampling mode = Sampling::nearest;
  bool aligned = false, exact = false;

  ASSAY_HD_MEMBER Taps taps(std::int64_t o) const {
    Taps taps;
    taps.at[0] = o;
    if (size == outputs) return taps;
    const auto place = static_cast<float>(o);
    if (mode == Sampling::nearest) {
      const float c = ratio * (exact ? place + 0.5F : place);
      taps.at[0] = below_end(math::floor(c));
      return taps;
    }
    float c = aligned ? ratio * place : ratio * (place + 0.5F) - 0.5F;
    if (mode == Sampling::linear && c < 0.0F) c = 0.0F;
    const float low = math::floor(c);
    const std::int64_t first = low < 0.0F ? static_cast<std::int64_t>(low) : below_end(low);
    float t = c - static_cast<float>(first);
    t = t < 0.0F ? 0.0F : t > 1.0F ? 1.0F : t;
    if (mode == Sampling::linear) {
      taps.count = 2;
      taps.at[0] = first, taps.at[1] = clamped(first + 1, size);
      taps.weight[0] = 1.0F - t, taps.weight[1] = t;
      return taps;
    }
    taps.count = 4;
    for (int k = 0; k < 4; ++k) taps.at[k] = clamped(first - 1 + k, size);
    cubic_weights(t, taps.weight);
    return taps;
  }

  /// The first output whose last tap is not before p (`begin`), or whose first tap is behind p: positions
  /// grow with o, because every rounding keeps order.
  ASSAY_HD_MEMBER std::int64_t bound(std::int64_t p, bool begin) const {
    std::int64_t low = 0, high = outputs;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      const Taps taps = this->taps(middle);
      if (begin ? taps.at[taps.count - 1] >= p : taps.at[0] > p)
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }

 private:
  ASSAY_HD_MEMBER std::int64_t below_end(float low) const {
    return low < static_cast<float>(size) ? clamped(static_cast<std::int64_t>(low), size) : size - 1;
  }
};

// ---- grid_sample

/// A coordinate inside the tensor, and how it follows the one outside: 1, -1 (reflected) or 0 (clamped).
struct Padded {
  float c, slope;
};

ASSAY_HD Padded padded(float c, std::int64_t size, Padding padding, bool aligned) {
  if (padding == Padding::zeros) return {c, 1.0F};
  float slope = 1.0F;
  const auto last = static_cast<float>(size - 1);
  if (padding == Padding::reflection) {
    const float low = aligned ? 0.0F : -0.5F, span = aligned ? last : static_cast<float>(size);
    if (span == 0.0F) return {0.0F, 0.0F};
    const float apart = c - low, e = math::fmod(math::magnitude(apart), 2.0F * span);
    const bool turned = e > span;
    if ((apart < 0.0F) != turned) slope = -1.0F;
    c = (turned ? 2.0F * span - e : e) + low;
  }
  if (!(c > 0.0F)) return {0.0F, 0.0F};
  if (c >= last) return {last, 0.0F};
  return {c, slope};
}

/// A whole coordinate's position; -1 outside.
ASSAY_HD std::int64_t position(float whole, std::int64_t size) {
  return whole >= 0.0F && whole < static_cast<float>(size) ? clamped(static_cast<std::int64_t>(whole), size)
                                                           : -1;
}

/// The taps of grid value g; `slope`, unless null: the same positions with the derivatives as weights, and
/// *factor what g's derivative is multiplied by.
ASSAY_HD Taps grid_taps(float g, std::int64_t size, Sampling mode, Padding padding, bool aligned, Taps* slope,
                        float* factor) {
  const auto n = static_cast<float>(size);
  float c = aligned ? (g + 1.0F) / 2.0F * (n - 1.0F) : ((g + 1.0F) * n - 1.0F) / 2.0F;
  if (!(math::magnitude(c) < 0x1p31F)) c = -100.0F;
  const float by = (aligned ? n - 1.0F : n) / 2.0F;
  Taps taps;
  if (mode == Sampling::cubic) {
    const float low = math::floor(c), t = c - low;
    taps.count = 4;
    for (int k = 0; k < 4; ++k)
      taps.at[k] =
          position(math::floor(padded(low + static_cast<float>(k - 1), size, padding, aligned).c), size);
    cubic_weights(t, taps.weight);
    if (slope) {
      *slope = taps;
      cubic_slopes(t, slope->weight);
      *factor = by;
    }
    return taps;
  }
  const Padded inside = padded(c, size, padding, aligned);
  if (mode == Sampling::nearest) {
    taps.at[0] = position(math::nearest(inside.c), size);
    return taps;
  }
  const float low = math::floor(inside.c), t = inside.c - low;
  taps.count = 2;
  taps.at[0] = position(low, size), taps.at[1] = position(low + 1.0F, size);
  taps.weight[0] = 1.0F - t, taps.weight[1] = t;
  if (slope) {
    *slope = taps;
    slope->weight[0] = -1.0F, slope->weight[1] = 1.0F;
    *factor = by * inside.slope;
  }
  return taps;
}

// ---- both

/// The element of volume `x` at `offset` plus the tap positions; +0 outside.
ASSAY_HD float tapped(const Volume& x, bool narrow, std::int64_t offset, std::int64_t a, std::int64_t b,
                      std::int64_t c) {
  if (a < 0 || b < 0 || c < 0) return 0.0F;
  return load_element(x.data, narrow, offset + a * x.stride[0] + b * x.stride[1] + c * x.stride[2]);
}

/// The weighed sum, last dimension first.
ASSAY_HD float sampled(const Volume& x, bool narrow, std::int64_t offset, const Taps* taps) {
  float outer = 0.0F;
  for (int a = 0; a < taps[0].count; ++a) {
    float middle = 0.0F;
    for (int b = 0; b < taps[1].count; ++b) {
      float inner = 0.0F;
      for (int c = 0; c < taps[2].count; ++c) {
        const float v =
            taps[2].weight[c] * tapped(x, narrow, offset, taps[0].at[a], taps[1].at[b], taps[2].at[c]);
        inner = c == 0 ? v : inner + v;
      }
      const float v = taps[1].weight[b] * inner;
      middle = b == 0 ? v : middle + v;
    }
    const float v = taps[0].weight[a] * middle;
    outer = a == 0 ? v : outer + v;
  }
  return outer;
}

}  // namespace assay::kernels
