// What the native mixers share: torch::nn modules behind the interface of a mixer, and the parts of delta
// networks.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "formats/recipe.hpp"
#include "replay/model/mixer.hpp"
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

/// What the delta networks have in common: projections of q, k, v and beta, and a normed, gated output.
class DeltaModule : public NativeModule {
 protected:
  /// Registers and draws what comes before a network's own parameters.
  explicit DeltaModule(const DeltaOptions& options);
  /// The rest, after them: the order is that of the draws, so it fixes initial weights.
  void add_output();

  struct Inputs {
    at::Tensor q, k, v,
        beta;  ///< (rows, heads, length, width), beta (rows, heads, length); q scaled by 1/sqrt(width)
  };
  Inputs inputs(const at::Tensor& x);
  at::Tensor output(const at::Tensor& o, const at::Tensor& x);
  /// A linear map without bias, registered.
  torch::nn::Linear linear(const char* name, std::int64_t in, std::int64_t out);

  DeltaOptions options_;

 private:
  std::shared_ptr<ConvolvedProjection> q_, k_, v_;
  torch::nn::Linear beta_{nullptr}, gate_{nullptr}, out_{nullptr};
  at::Tensor norm_;
};
/// `use_gate`: the network's default. Errors name the option.
Result<DeltaOptions> delta_options(const formats::Recipe& recipe, bool use_gate);

}  // namespace assay::replay
