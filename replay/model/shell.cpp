#include "replay/model/shell.hpp"

#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/silu.h>

#include "replay/model/parts.hpp"
#include "replay/runner/failure.hpp"

namespace assay::replay {

namespace {

constexpr double kDeviation = 0.02;

class LanguageModel final : public Shell {
 public:
  LanguageModel(const formats::Recipe::Shell& shell, const MixerFactory& mixer)
      : epsilon_(shell.norm_eps), embedding_(drawn({shell.vocabulary, shell.d_model}, kDeviation)) {
    for (std::int64_t i = 0; i < shell.layers; ++i) {
      Layer layer;
      layer.norm = ones(shell.d_model);
      layer.mixer = mixer(i);
      if (shell.mlp == "swiglu") {
        layer.mlp_norm = ones(shell.d_model);
        layer.mlp = SwiGlu::drawn(shell.d_model);
      }
      layers_.push_back(std::move(layer));
    }
    norm_ = ones(shell.d_model);
    head_ = drawn({shell.vocabulary, shell.d_model}, kDeviation);
  }

  Mixed forward(const at::Tensor& tokens) override {
    at::Tensor x = at::embedding(embedding_, tokens), auxiliary;
    for (Layer& layer : layers_) {
      const Mixed mixed = layer.mixer->forward(normed(x, layer.norm));
      x = x.add(mixed.out);
      add_auxiliary(auxiliary, mixed.auxiliary);
      if (layer.mlp_norm.defined()) x = x.add(layer.mlp(normed(x, layer.mlp_norm)));
    }
    return {normed(x, norm_), auxiliary};
  }
  at::Tensor logits(const at::Tensor& hidden) override { return at::linear(hidden, head_); }

  std::vector<Named> parameters() const override {
    std::vector<Named> all{{"embedding.weight", embedding_}};
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const std::string name = "layers." + std::to_string(i) + ".";
      const Layer& layer = layers_[i];
      all.push_back({name + "norm.weight", layer.norm});
      for (const Named& own : layer.mixer->parameters())
        all.push_back({name + "mixer." + own.name, own.tensor});
      if (!layer.mlp_norm.defined()) continue;
      all.push_back({name + "mlp_norm.weight", layer.mlp_norm});
      all.push_back({name + "mlp.gate.weight", layer.mlp.gate});
      all.push_back({name + "mlp.up.weight", layer.mlp.up});
      all.push_back({name + "mlp.down.weight", layer.mlp.down});
    }
    all.push_back({"norm.weight", norm_});
    all.push_back({"head.weight", head_});
    return all;
  }
  std::vector<Named> buffers() const override { return mixer_buffers(layers_); }
  void move(at::Device device, at::ScalarType type) override {
    for (at::Tensor* own : {&embedding_, &norm_, &head_}) *own = moved(*own, device, type);
    for (Layer& layer : layers_) {
      layer.mixer->move(device, type);
      for (at::Tensor* own : {&layer.norm, &layer.mlp_norm, &layer.mlp.gate, &layer.mlp.up, &layer.mlp.down})
        if (own->defined()) *own = moved(*own, device, type);
    }
  }
  void train(bool on) override { train_mixers(layers_, on); }
  bool fuse(bool on) override { return fuse_mixers(layers_, on); }
  void mark(bool guarded) override { mark_mixers(layers_, guarded); }
  void restore() override { restore_mixers(layers_); }
  std::string changed() override { return changed_mixers(layers_); }

 private:
  struct Layer {
    at::Tensor norm, mlp_norm;
    std::unique_ptr<Mixer> mixer;
    SwiGlu mlp;
  };
  at::Tensor normed(const at::Tensor& x, const at::Tensor& weight) const {
    return at::rms_norm(x, {x.size(-1)}, weight, epsilon_);
  }

  double epsilon_;
  at::Tensor embedding_, norm_, head_;
  std::vector<Layer> layers_;
};

}  // namespace

at::Tensor drawn(at::IntArrayRef sizes, double deviation) {
  at::Tensor made = at::empty(sizes, at::kFloat);
  made.normal_(0, deviation);
  return made.requires_grad_(true);
}
at::Tensor ones(std::int64_t n) { return at::ones({n}, at::kFloat).requires_grad_(true); }

at::Tensor moved(const at::Tensor& parameter, at::Device device, at::ScalarType type) {
  return parameter.detach().to(device, type).requires_grad_(true);
}

void add_auxiliary(at::Tensor& sum, const at::Tensor& auxiliary) {
  if (!auxiliary.defined()) return;
  const at::Tensor wide = auxiliary.to(at::kFloat);
  sum = sum.defined() ? sum.add(wide) : wide;
}

std::int64_t SwiGlu::width(std::int64_t d_model) { return 256 * ((8 * d_model / 3 + 255) / 256); }

SwiGlu SwiGlu::drawn(std::int64_t d_model) {
  const std::int64_t wide = width(d_model);
  SwiGlu made;
  made.gate = replay::drawn({wide, d_model}, kDeviation);
  made.up = replay::drawn({wide, d_model}, kDeviation);
  made.down = replay::drawn({d_model, wide}, kDeviation);
  return made;
}

at::Tensor SwiGlu::operator()(const at::Tensor& x) const {
  return at::linear(at::silu(at::linear(x, gate)).mul(at::linear(x, up)), down);
}

std::unique_ptr<Shell> make_shell(const formats::Recipe& recipe, const MixerFactory& mixer) {
  if (recipe.shell.kind == "lm") return std::make_unique<LanguageModel>(recipe.shell, mixer);
  if (recipe.shell.kind == "zoology") return make_recall_shell(recipe, mixer);
  throw Failure(FailureKind::recipe, "shell.kind: expected lm or zoology, found " + recipe.shell.kind);
}

}  // namespace assay::replay
