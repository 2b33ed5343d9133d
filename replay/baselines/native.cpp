#include "replay/baselines/native.hpp"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <cmath>

namespace assay::replay {

namespace {

class NativeMixer final : public Mixer {
 public:
  explicit NativeMixer(std::shared_ptr<NativeModule> module) : module_(std::move(module)) {}
  Mixed forward(const at::Tensor& x) override { return {module_->mix(x), {}}; }
  std::vector<Named> parameters() const override { return named(module_->named_parameters()); }
  std::vector<Named> buffers() const override { return named(module_->named_buffers()); }
  void move(at::Device device, at::ScalarType type) override { module_->to(device, type); }
  void train(bool on) override { module_->train(on); }

 private:
  template <typename Dictionary>
  static std::vector<Named> named(const Dictionary& items) {
    std::vector<Named> all;
    for (const auto& item : items) all.push_back({item.key(), item.value()});
    return all;
  }
  std::shared_ptr<NativeModule> module_;
};

Status read_options(const Json& options, DeltaOptions& out) {
  for (const Json::Member& member : options.members()) {
    const auto wrong = [&](const char* expected) {
      return Error{Fault::malformed, std::string("expected ") + expected + ", found " + member.value.dump(),
                   "field \"mixer.options." + member.key + "\"", ""};
    };
    const auto number = member.value.number();
    if (member.key == "conv_size") {
      if (!member.value.integer() || *number < 1 || *number > 1024) return wrong("an integer from 1 to 1024");
      out.conv_size = *member.value.integer();
    } else if (member.key == "expand_k" || member.key == "expand_v" || member.key == "norm_eps") {
      if (!number || !(*number > 0)) return wrong("a number above 0");
      (member.key == "expand_k"   ? out.expand_k
       : member.key == "expand_v" ? out.expand_v
                                  : out.norm_eps) = *number;
    } else if (member.key == "allow_neg_eigval" || member.key == "use_gate") {
      if (!member.value.is_bool()) return wrong("true or false");
      (member.key == "use_gate" ? out.use_gate : out.allow_neg_eigval) = *member.value.boolean();
    } else {
      return wrong("conv_size, expand_k, expand_v, norm_eps, allow_neg_eigval or use_gate");
    }
  }
  if (out.key_width() % out.heads != 0 || out.value_width() % out.heads != 0)
    return Error{Fault::malformed, "expected widths of keys and values that the heads divide",
                 "field \"mixer.options\"", ""};
  return {};
}

}  // namespace

std::unique_ptr<Mixer> native_mixer(std::shared_ptr<NativeModule> module) {
  return std::make_unique<NativeMixer>(std::move(module));
}

Result<DeltaOptions> delta_options(const formats::Recipe& recipe, bool use_gate) {
  DeltaOptions options;
  options.d_model = recipe.shell.d_model;
  options.heads = recipe.shell.heads;
  options.use_gate = use_gate;
  ASSAY_TRY(read_options(recipe.mixer.options, options));
  return options;
}

ConvolvedProjection::ConvolvedProjection(std::int64_t d_model, std::int64_t width, std::int64_t kernel) {
  linear_ =
      register_module("linear", torch::nn::Linear(torch::nn::LinearOptions(d_model, width).bias(false)));
  conv_ = register_module(
      "conv", torch::nn::Conv1d(torch::nn::Conv1dOptions(width, width, kernel).groups(width).bias(false)));
}

at::Tensor ConvolvedProjection::operator()(const at::Tensor& x) {
  const at::Tensor columns = linear_(x).transpose(1, 2);
  const at::Tensor padded = at::constant_pad_nd(columns, {conv_->weight.size(2) - 1, 0}, 0);
  const std::int64_t one[] = {1}, none[] = {0};
  const at::Tensor y =
      at::conv1d(padded, conv_->weight, std::optional<at::Tensor>(), one, none, one, conv_->weight.size(0))
          .transpose(1, 2);
  return at::silu(y.to(at::kFloat)).to(x.scalar_type());
}

at::Tensor in_heads(const at::Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

at::Tensor l2norm(const at::Tensor& x) {
  const at::Tensor wide = x.to(at::kFloat);
  return wide.div(wide.mul(wide).sum({-1}, true).add(1e-6).sqrt()).to(x.scalar_type());
}

at::Tensor output_norm(const at::Tensor& o, const at::Tensor& weight, double epsilon,
                       const at::Tensor& gate) {
  const at::Tensor rows = o.transpose(1, 2);
  at::Tensor y = at::rms_norm(rows.to(at::kFloat), {rows.size(3)}, weight.to(at::kFloat), epsilon);
  if (gate.defined()) {
    const at::Tensor wide = gate.to(at::kFloat).view(y.sizes());
    y = y.mul(wide).mul(at::sigmoid(wide));
  }
  return y.reshape({o.size(0), o.size(2), o.size(1) * o.size(3)}).to(o.scalar_type());
}

DeltaModule::DeltaModule(const DeltaOptions& options) : options_(options) {
  const auto projection = [&](const char* name, std::int64_t width) {
    return register_module(name,
                           std::make_shared<ConvolvedProjection>(options.d_model, width, options.conv_size));
  };
  q_ = projection("q", options.key_width());
  k_ = projection("k", options.key_width());
  v_ = projection("v", options.value_width());
  beta_ = linear("beta", options.d_model, options.heads);
}

void DeltaModule::add_output() {
  const std::int64_t d = options_.d_model, value = options_.value_width();
  if (options_.use_gate) gate_ = linear("gate", d, value);
  norm_ = register_parameter("norm", at::ones({value / options_.heads}));
  out_ = linear("out", value, d);
}

DeltaModule::Inputs DeltaModule::inputs(const at::Tensor& x) {
  const double scale = 1 / std::sqrt(static_cast<double>(options_.key_width() / options_.heads));
  const at::Tensor q = l2norm(in_heads((*q_)(x), options_.heads)).mul(scale);
  const at::Tensor k = l2norm(in_heads((*k_)(x), options_.heads));
  const at::Tensor v = in_heads((*v_)(x), options_.heads);
  at::Tensor beta = at::sigmoid(beta_(x));
  if (options_.allow_neg_eigval) beta = beta.mul(2);
  return {q, k, v, beta.transpose(1, 2)};
}

at::Tensor DeltaModule::output(const at::Tensor& o, const at::Tensor& x) {
  return out_(output_norm(o, norm_, options_.norm_eps, gate_ ? gate_(x) : at::Tensor()));
}

torch::nn::Linear DeltaModule::linear(const char* name, std::int64_t in, std::int64_t out) {
  return register_module(name, torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false)));
}

}  // namespace assay::replay
