// Parts that shells are made of. Free functions over tensors: the dispatcher takes each to the library's
// operators.
#pragma once

#include "replay/model/mixer.hpp"

namespace assay::replay {

/// A parameter of N(0, deviation), drawn from the default generator.
at::Tensor drawn(at::IntArrayRef sizes, double deviation);
at::Tensor ones(std::int64_t n);

/// The same parameters on another device or of another type: leaves that want a gradient.
at::Tensor moved(const at::Tensor& parameter, at::Device device, at::ScalarType type);

/// gate, up (width, d), down (d, width): down(silu(gate x) * up x).
struct SwiGlu {
  at::Tensor gate, up, down;
  static SwiGlu drawn(std::int64_t d_model);
  static std::int64_t width(std::int64_t d_model);  ///< 256 * ceil(int(8 d / 3) / 256)
  at::Tensor operator()(const at::Tensor& x) const;
};

}  // namespace assay::replay
