// Gated DeltaNet (Yang, Kautz, Hatamizadeh, 2024): the state decays by exp(g), g = -exp(a_log)
// softplus(decay(x) + dt_bias), in fp32, before each write; a gate on the output unless the options say
// otherwise. Initial values as in Mamba 2: a_log the logarithm of U(1, 16), dt = exp(U(log 0.001, log 0.1)),
// dt_bias = dt + log(-expm1(-dt)).
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/log.h>
#include <ATen/ops/softplus.h>

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

class GatedDeltaNet final : public DeltaModule {
 public:
  explicit GatedDeltaNet(const DeltaOptions& options) : DeltaModule(options) {
    decay_ = linear("decay", options.d_model, options.heads);
    a_log_ = register_parameter("a_log", first_a_log(options.heads));
    dt_bias_ = register_parameter("dt_bias", first_dt_bias(options.heads));
    add_output();
  }

  at::Tensor mix(const at::Tensor& x) override {
    const Inputs in = inputs(x);
    const at::Tensor rate = at::softplus(decay_(x).to(at::kFloat).add(dt_bias_.to(at::kFloat)));
    const at::Tensor g = at::exp(a_log_.to(at::kFloat)).neg().mul(rate).to(x.scalar_type());
    return output(ops::gated_delta_rule(in.q, in.k, in.v, g.transpose(1, 2), in.beta), x);
  }

 private:
  torch::nn::Linear decay_{nullptr};
  at::Tensor a_log_, dt_bias_;
};

}  // namespace

Result<std::unique_ptr<Mixer>> make_gated_deltanet(const formats::Recipe& recipe, std::int64_t) {
  const DeltaOptions options = ASSAY_TRY(delta_options(recipe, true));
  return native_mixer(std::make_shared<GatedDeltaNet>(options));
}

}  // namespace assay::replay
