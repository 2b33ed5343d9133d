// DeltaNet (Yang, Wang, Zhang, Shen, Kim, 2024): keys and queries L2-normalised, the fused delta rule, an RMS
// norm a head. Queries are scaled by 1/sqrt(width of a key). Options: read_options() of native.hpp.
#include <ATen/ops/ones.h>
#include <ATen/ops/sigmoid.h>
#include <cmath>

#include "replay/baselines/baseline.hpp"
#include "replay/baselines/native.hpp"
#include "replay/model/operators.hpp"

namespace assay::replay {

namespace {

class DeltaNet final : public NativeModule {
 public:
  explicit DeltaNet(const DeltaOptions& options) : options_(options) {
    const std::int64_t d = options.d_model, value = options.value_width();
    const auto linear = [&](const char* name, std::int64_t in, std::int64_t out) {
      return register_module(name, torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false)));
    };
    q_ = register_module("q",
                         std::make_shared<ConvolvedProjection>(d, options.key_width(), options.conv_size));
    k_ = register_module("k",
                         std::make_shared<ConvolvedProjection>(d, options.key_width(), options.conv_size));
    v_ = register_module("v", std::make_shared<ConvolvedProjection>(d, value, options.conv_size));
    beta_ = linear("beta", d, options.heads);
    if (options.use_gate) gate_ = linear("gate", d, value);
    norm_ = register_parameter("norm", at::ones({value / options.heads}));
    out_ = linear("out", value, d);
  }

  at::Tensor mix(const at::Tensor& x) override {
    const double scale = 1 / std::sqrt(static_cast<double>(options_.key_width() / options_.heads));
    const at::Tensor q = l2norm(in_heads((*q_)(x), options_.heads)).mul(scale);
    const at::Tensor k = l2norm(in_heads((*k_)(x), options_.heads));
    const at::Tensor v = in_heads((*v_)(x), options_.heads);
    at::Tensor beta = at::sigmoid(beta_(x));
    if (options_.allow_neg_eigval) beta = beta.mul(2);
    const at::Tensor o = ops::delta_rule(q, k, v, beta.transpose(1, 2));
    return out_(output_norm(o, norm_, options_.norm_eps, gate_ ? gate_(x) : at::Tensor()));
  }

 private:
  DeltaOptions options_;
  std::shared_ptr<ConvolvedProjection> q_, k_, v_;
  torch::nn::Linear beta_{nullptr}, gate_{nullptr}, out_{nullptr};
  at::Tensor norm_;
};

}  // namespace

Result<std::unique_ptr<Mixer>> make_deltanet(const formats::Recipe& recipe, std::int64_t) {
  DeltaOptions options;
  options.d_model = recipe.shell.d_model;
  options.heads = recipe.shell.heads;
  ASSAY_TRY(read_options(recipe.mixer.options, options));
  return native_mixer(std::make_shared<DeltaNet>(options));
}

}  // namespace assay::replay
