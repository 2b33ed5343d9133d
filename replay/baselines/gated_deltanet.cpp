// Gated DeltaNet (Yang, Kautz, Hatamizadeh, 2024): the state decays by exp(g), g = -exp(a_log)
// softplus(decay(x) + dt_bias), in fp32, before each write; a gate on the output unless the options say
// otherwise. Initial values as in Mamba 2: a_log the logarithm of U(1, 16), dt = exp(U(log 0.001, log 0.1)),
// dt_bias = dt + log(-expm1(-dt)).
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/log.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softplus.h>
#include <cmath>

#include "replay/baselines/baseline.hpp"
#include "replay/baselines/native.hpp"
#include "replay/model/operators.hpp"

namespace assay::replay {

namespace {

at::Tensor first_a_log(std::int64_t heads) {
  at::Tensor a = at::empty({heads});
  a.uniform_(1, 16);
  return at::log(a);
}

at::Tensor first_dt_bias(std::int64_t heads) {
  constexpr double kLow = -6.907755278982137, kHigh = -2.302585092994046;  // log 0.001, log 0.1
  at::Tensor exponent = at::empty({heads});
  exponent.uniform_(kLow, kHigh);
  const at::Tensor dt = at::exp(exponent);
  return dt.add(at::log(dt.neg().expm1().neg()));
}

class GatedDeltaNet final : public NativeModule {
 public:
  explicit GatedDeltaNet(const DeltaOptions& options) : options_(options) {
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
    decay_ = linear("decay", d, options.heads);
    a_log_ = register_parameter("a_log", first_a_log(options.heads));
    dt_bias_ = register_parameter("dt_bias", first_dt_bias(options.heads));
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
    const at::Tensor rate = at::softplus(decay_(x).to(at::kFloat).add(dt_bias_.to(at::kFloat)));
    const at::Tensor g = at::exp(a_log_.to(at::kFloat)).neg().mul(rate).to(x.scalar_type());
    const at::Tensor o = ops::gated_delta_rule(q, k, v, g.transpose(1, 2), beta.transpose(1, 2));
    return out_(output_norm(o, norm_, options_.norm_eps, gate_ ? gate_(x) : at::Tensor()));
  }

 private:
  DeltaOptions options_;
  std::shared_ptr<ConvolvedProjection> q_, k_, v_;
  torch::nn::Linear beta_{nullptr}, decay_{nullptr}, gate_{nullptr}, out_{nullptr};
  at::Tensor a_log_, dt_bias_, norm_;
};

}  // namespace

Result<std::unique_ptr<Mixer>> make_gated_deltanet(const formats::Recipe& recipe, std::int64_t) {
  DeltaOptions options;
  options.d_model = recipe.shell.d_model;
  options.heads = recipe.shell.heads;
  options.use_gate = true;
  ASSAY_TRY(read_options(recipe.mixer.options, options));
  return native_mixer(std::make_shared<GatedDeltaNet>(options));
}

}  // namespace assay::replay
