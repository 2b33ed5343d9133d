// Convolution and its gradients as plain data for host and device. Both directions are one: an output element
// at q takes the input at (q * multiply + offset + k * step) / divide, where that is whole and inside.
#pragma once

#include "kernels/core/hd.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// A tensor (batch, channel, three spatial dimensions; those that are not there have size 1 and come first).
struct Volume {
  void* data = nullptr;
  std::int64_t batch = 0, channels = 0;
  std::int64_t size[3] = {1, 1, 1};
  std::int64_t batch_stride = 0, channel_stride = 0;
  std::int64_t stride[3] = {0, 0, 0};
  ASSAY_HD_MEMBER std::int64_t points() const { return size[0] * size[1] * size[2]; }
};

ASSAY_HD float load_element(const void* data, bool narrow, std::int64_t at) {
  return narrow ? from_bf16(static_cast<const std::uint16_t*>(data)[at])
                : static_cast<const float*>(data)[at];
}
ASSAY_HD void store_element(void* data, bool narrow, std::int64_t at, float v) {
  if (narrow)
    static_cast<std::uint16_t*>(data)[at] = to_bf16(v);
  else
    static_cast<float*>(data)[at] = v == v ? v : float_of(kNan32);
}

struct ConvJob {
  Volume in, out;
  bool narrow = false;  ///< bf16
  const void* weight = nullptr;
  const void* bias = nullptr;
  std::int64_t bias_stride = 0;
  std::int64_t groups = 1, in_group = 1, out_group = 1;          ///< channels of a group on each side
  std::int64_t weight_group = 0, weight_out = 0, weight_in = 0;  ///< strides
  std::int64_t weight_stride[3] = {0, 0, 0};
  std::int64_t kernel[3] = {1, 1, 1};
  std::int64_t multiply[3] = {1, 1, 1}, offset[3] = {0, 0, 0}, step[3] = {1, 1, 1}, divide[3] = {1, 1, 1};

  /// Where tap k of dimension d finds output position q's input; -1: nowhere.
  ASSAY_HD_MEMBER std::int64_t from(int d, std::int64_t q, std::int64_t k) const {
    std::int64_t p = q * multiply[d] + offset[d] + k * step[d];
    if (p < 0) return -1;
    if (divide[d] != 1) {
      if (p % divide[d] != 0) return -1;
      p /= divide[d];
    }
    return p < in.size[d] ? p : -1;
  }
};

/// The weight's gradient: one sum for each (output channel, input channel of the group, kernel position).
struct WeightJob {
  Volume x, gradient;  ///< gradient: of y
  bool narrow = false;
  bool ones = false;  ///< x is 1 everywhere: the gradient of the bias
  void* out = nullptr;
  std::int64_t in_group = 1, out_group = 1;
  std::int64_t out_stride = 0, in_stride = 0, kernel_stride[3] = {0, 0, 0};
  std::int64_t kernel[3] = {1, 1, 1};
  std::int64_t stride[3] = {1, 1, 1}, padding[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};
  float* partial = nullptr;  ///< one a block of R1 and a sum

  ASSAY_HD_MEMBER std::int64_t terms() const { return gradient.batch * gradient.points(); }
  ASSAY_HD_MEMBER std::int64_t sums() const {
    return gradient.channels * in_group * kernel[0] * kernel[1] * kernel[2];
  }
};

/// Which weight a sum belongs to.
struct WeightPlace {
  std::int64_t o, i, k[3];
};
ASSAY_HD WeightPlace place_of(const WeightJob& job, std::int64_t sum) {
  WeightPlace w{};
  for (int d = 2; d >= 0; --d) {
    w.k[d] = sum % job.kernel[d];
    sum /= job.kernel[d];
  }
  w.i = sum % job.in_group;
  w.o = sum / job.in_group;
  return w;
}

ASSAY_HD void store_weight(const WeightJob& job, std::int64_t sum, float v) {
  const WeightPlace w = place_of(job, sum);
  store_element(job.out, job.narrow,
                w.o * job.out_stride + w.i * job.in_stride + w.k[0] * job.kernel_stride[0] +
                    w.k[1] * job.kernel_stride[1] + w.k[2] * job.kernel_stride[2],
                v);
}

/// R1 step 3 over `count` sums, in place.
ASSAY_HD float join_blocks(float* s, std::int64_t count) {
  if (count == 0) return 0.0F;
  for (std::int64_t n = count; n > 1; n = (n + 1) / 2)
    for (std::int64_t i = 0; 2 * i < n; ++i) s[i] = 2 * i + 1 < n ? s[2 * i] + s[2 * i + 1] : s[2 * i];
  return s[0];
}

}  // namespace assay::kernels
