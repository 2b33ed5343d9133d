// What the native mixers share: torch::nn modules behind the interface of a mixer, and the parts of delta
// networks.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "replay/model/mixer.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::replay {

class NativeModule : public torch::nn::Module {
 public:
  virtual at::Tensor mix(const at::Tensor& x) = 0;
};

std::unique_ptr<Mixer> native_mixer(std::shared_ptr<NativeModule> module);

/// Options that both networks have; docs/replay.md lists them.
struct DeltaOptions {
  std::int64_t d_model = 0, heads = 0, conv_size = 4;
  double expand_k = 1, expand_v = 1, norm_eps = 1e-5;
  bool allow_neg_eigval = false, use_gate = false;

  std::int64_t key_width() const {
    return static_cast<std::int64_t>(static_cast<double>(d_model) * expand_k);
  }
  std::int64_t value_width() const {
    return static_cast<std::int64_t>(static_cast<double>(d_model) * expand_v);
  }
};
/// `out` holds the defaults. Errors name the option.
Status read_options(const Json& options, DeltaOptions& out);

/// Linear, causal depthwise convolution, silu in fp32: (rows, length, d_model) to (rows, length, width).
class ConvolvedProjection : public torch::nn::Module {
 public:
  ConvolvedProjection(std::int64_t d_model, std::int64_t width, std::int64_t kernel);
  at::Tensor operator()(const at::Tensor& x);

 private:
  torch::nn::Linear linear_{nullptr};
  torch::nn::Conv1d conv_{nullptr};
};

/// (rows, length, heads * width) to (rows, heads, length, width).
at::Tensor in_heads(const at::Tensor& x, std::int64_t heads);
/// x / sqrt(sum x^2 + 1e-6) over the last dimension, in fp32, rounded to x's type.
at::Tensor l2norm(const at::Tensor& x);
/// o (rows, heads, length, width), normed over width by RMS times `weight`, and times gate * sigmoid(gate)
/// where there is one, all in fp32; to (rows, length, heads * width) in o's type.
at::Tensor output_norm(const at::Tensor& o, const at::Tensor& weight, double epsilon, const at::Tensor& gate);

}  // namespace assay::replay
