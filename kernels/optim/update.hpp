// One element's step, operation for operation as torch.optim's single-tensor form writes it; for host and
// device.
#pragma once

#include "kernels/core/hd.hpp"
#include "kernels/core/view.hpp"
#include "kernels/index/layout.hpp"
#include "kernels/optim/optim.hpp"

namespace assay::kernels {

#if defined(__CUDA_ARCH__)
#define ASSAY_ROOT32(x) __fsqrt_rn(x)
#else
#define ASSAY_ROOT32(x) __builtin_sqrtf(x)
#endif

/// What an operation's result becomes when it is stored: fp32 as it is, or rounded to bf16.
template <bool kNarrow>
ASSAY_HD float kept(float x) {
  return kNarrow ? from_bf16(to_bf16(x)) : x;
}

struct AdamElement {
  float parameter, average, square, largest;
};

struct AdamFlags {
  bool decays, decoupled, amsgrad, maximize;
};

template <bool kNarrow>
ASSAY_HD AdamElement adam_update(AdamElement x, float g, const AdamScalars& s, const AdamFlags& flags) {
  const auto r = [](float v) { return kept<kNarrow>(v); };
  if (flags.maximize) g = -g;
  if (flags.decays && flags.decoupled) x.parameter = r(x.parameter * s.decay);
  if (flags.decays && !flags.decoupled) g = r(g + s.weight_decay * x.parameter);
  const float w = s.lerp_weight, d = g - x.average;
  x.average = r((w < 0.0F ? -w : w) < 0.5F ? x.average + w * d : g - d * (1.0F - w));
  x.square = r(x.square * s.beta2);
  x.square = r(x.square + (s.rest2 * g) * g);
  float v = x.square;
  if (flags.amsgrad) {
    x.largest = x.largest != x.largest || x.largest >= v ? x.largest
                                                         : v;  // maximum: NaN wins, else the first of equals
    v = x.largest;
  }
  float below = r(ASSAY_ROOT32(v));
  below = r(below / s.root);
  below = r(below + s.eps);
  x.parameter = r(x.parameter + (s.minus_step * x.average) / below);
  return x;
}

struct SgdScalars {
  float weight_decay, momentum, rest, minus_lr;
};
struct SgdFlags {
  bool decays, momentum, nesterov, maximize, first;
};
struct SgdElement {
  float parameter, momentum;
};

template <bool kNarrow>
ASSAY_HD SgdElement sgd_update(SgdElement x, float g, const SgdScalars& s, const SgdFlags& flags) {
  const auto r = [](float v) { return kept<kNarrow>(v); };
  if (flags.maximize) g = -g;
  if (flags.decays) g = r(g + s.weight_decay * x.parameter);
  if (flags.momentum) {
    if (flags.first) {
      x.momentum = g;
    } else {
      x.momentum = r(x.momentum * s.momentum);
      x.momentum = r(x.momentum + s.rest * g);
    }
    g = flags.nesterov ? r(g + s.momentum * x.momentum) : x.momentum;
  }
  x.parameter = r(x.parameter + s.minus_lr * g);
  return x;
}

ASSAY_HD float load_as(const void* data, bool narrow, std::int64_t at) {
  return narrow ? from_bf16(static_cast<const std::uint16_t*>(data)[at])
                : static_cast<const float*>(data)[at];
}
ASSAY_HD void store_as(void* data, bool narrow, std::int64_t at, float v) {
  if (narrow)
    static_cast<std::uint16_t*>(data)[at] = to_bf16(v);
  else
    static_cast<float*>(data)[at] = v == v ? v : float_of(kNan32);
}

/// Up to six memories of one tensor, whose elements correspond.
enum : int { kParameter, kGradient, kFirst, kSecond, kThird, kCopy, kStreams };
struct Streams {
  void* data[kStreams] = {};
  std::int64_t count = 0;
  const AdamScalars* scalars = nullptr;  ///< of the tensor's step; null for SGD
};

/// Which algorithm, and its numbers.
struct Update {
  bool adam = true;
  bool narrow = false;           ///< all bf16
  bool narrow_gradient = false;  ///< the gradient is bf16
  AdamFlags adam_flags{};
  SgdFlags sgd_flags{};
  SgdScalars sgd{};
  const AdamScalars* scalars = nullptr;  ///< Adam's, in the Place's memory
  const float* gradient_scale = nullptr;
};

/// One element of each memory but the copy.
struct Values {
  float parameter, gradient, first, second, third;
};

/// Which of a step's memories are read, and which written, beside the parameter.
struct Uses {
  bool reads_first, first, second, third;
};
ASSAY_HD Uses uses_of(const Update& u) {
  const bool momentum = !u.adam && u.sgd_flags.momentum;
  return Uses{u.adam || (momentum && !u.sgd_flags.first), u.adam || momentum, u.adam,
              u.adam && u.adam_flags.amsgrad};
}

template <bool kNarrow>
ASSAY_HD void update_values(const Update& u, const AdamScalars& scalars, float scale, Values& v) {
  const float g = u.gradient_scale ? kept<kNarrow>(v.gradient * scale) : v.gradient;
  if (u.adam) {
    const AdamElement x =
        adam_update<kNarrow>({v.parameter, v.first, v.second, v.third}, g, scalars, u.adam_flags);
    v.parameter = x.parameter, v.first = x.average, v.second = x.square, v.third = x.largest;
  } else {
    const SgdElement x = sgd_update<kNarrow>({v.parameter, v.first}, g, u.sgd, u.sgd_flags);
    v.parameter = x.parameter, v.first = x.momentum;
  }
}

/// at: offsets of the element in each memory.
template <bool kNarrow>
ASSAY_HD void update_element(const Update& u, const AdamScalars& scalars, float scale, const Streams& streams,
                             const std::int64_t* at) {
  const Uses uses = uses_of(u);
  const auto load = [&](int k, bool used) { return used ? load_as(streams.data[k], kNarrow, at[k]) : 0.0F; };
  Values v{load(kParameter, true), load_as(streams.data[kGradient], u.narrow_gradient, at[kGradient]),
           load(kFirst, uses.reads_first), load(kSecond, uses.second), load(kThird, uses.third)};
  update_values<kNarrow>(u, scalars, scale, v);
  if (uses.first) store_as(streams.data[kFirst], kNarrow, at[kFirst], v.first);
  if (uses.second) store_as(streams.data[kSecond], kNarrow, at[kSecond], v.second);
  if (uses.third) store_as(streams.data[kThird], kNarrow, at[kThird], v.third);
  store_as(streams.data[kParameter], kNarrow, at[kParameter], v.parameter);
  if (streams.data[kCopy]) static_cast<std::uint16_t*>(streams.data[kCopy])[at[kCopy]] = to_bf16(v.parameter);
}

}  // namespace assay::kernels
