// The two-block model that recall is measured with (Arora et al., "Zoology", 2023, and its published code),
// without positions, its MLP the identity: tied embeddings with dropout 0.1; a block is
//   x <- x + mixer(LayerNorm x);  x <- x + LayerNorm x
// (the identity is given a normalised stream and what it returns is added, so the second norm stays). Every
// second mixer is the one under test, the others are y = conv(u) * linear(u) + u, a causal depthwise
// convolution of width 3; a last LayerNorm. Every matrix is N(0, 0.02), those named out_proj N(0, 0.02 /
// sqrt(2 layers)), the mixers' too; biases of matrices are 0, convolutions U(-1/sqrt(3), 1/sqrt(3)).
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>
#include <cmath>

#include "replay/model/parts.hpp"
#include "replay/model/shell.hpp"

namespace assay::replay {

namespace {

constexpr double kDeviation = 0.02, kDropout = 0.1;
constexpr std::int64_t kKernel = 3;

at::Tensor zeros(std::int64_t n) { return at::zeros({n}, at::kFloat).requires_grad_(true); }

struct Norm {
  at::Tensor weight, bias;
  explicit Norm(std::int64_t d) : weight(ones(d)), bias(zeros(d)) {}
  at::Tensor operator()(const at::Tensor& x, double epsilon) const {
    return at::layer_norm(x, {x.size(-1)}, weight, bias, epsilon);
  }
};

/// What stands before the mixer under test.
class Convolution final : public Mixer {
 public:
  explicit Convolution(std::int64_t d)
      : linear_(drawn({d, d}, kDeviation)),
        bias_(zeros(d)),
        conv_(uniform({d, 1, kKernel})),
        conv_bias_(uniform({d})) {}
  Mixed forward(const at::Tensor& x) override {
    const at::Tensor columns = at::constant_pad_nd(x.transpose(1, 2), {kKernel - 1, 0}, 0);
    const std::int64_t one[] = {1}, none[] = {0};
    const at::Tensor y =
        at::conv1d(columns, conv_, std::optional<at::Tensor>(conv_bias_), one, none, one, conv_.size(0))
            .transpose(1, 2);
    return {y.mul(at::linear(x, linear_, bias_)).add(x), {}};
  }
  std::vector<Named> parameters() const override {
    return {{"conv.weight", conv_},
            {"conv.bias", conv_bias_},
            {"linear.weight", linear_},
            {"linear.bias", bias_}};
  }
  std::vector<Named> buffers() const override { return {}; }
  void move(at::Device device, at::ScalarType type) override {
    for (at::Tensor* own : {&linear_, &bias_, &conv_, &conv_bias_}) *own = moved(*own, device, type);
  }
  void train(bool) override {}

 private:
  static at::Tensor uniform(at::IntArrayRef sizes) {
    const double bound = 1 / std::sqrt(static_cast<double>(kKernel));
    return at::empty(sizes, at::kFloat).uniform_(-bound, bound).requires_grad_(true);
  }
  at::Tensor linear_, bias_, conv_, conv_bias_;
};

/// As the published code has it: the whole model's matrices are drawn anew, whoever made them, and the
/// smaller deviation goes by the name.
void draw_matrices(const Mixer& mixer, std::int64_t layers) {
  const double output = kDeviation / std::sqrt(2 * static_cast<double>(layers));
  for (const Named& own : mixer.parameters()) {
    if (own.tensor.dim() != 2) continue;
    own.tensor.detach().normal_(0,
                                own.name.find("out_proj.weight") != std::string::npos ? output : kDeviation);
  }
}

class RecallModel final : public Shell {
 public:
  RecallModel(const formats::Recipe::Shell& shell, const MixerFactory& mixer)
      : epsilon_(shell.norm_eps),
        embedding_(drawn({shell.vocabulary, shell.d_model}, kDeviation)),
        norm_(shell.d_model) {
    for (std::int64_t i = 0; i < shell.layers; ++i) {
      const bool tested = i % 2 == 1 || shell.layers == 1;
      layers_.push_back({Norm(shell.d_model), Norm(shell.d_model),
                         tested ? mixer(i) : std::make_unique<Convolution>(shell.d_model)});
      if (tested) draw_matrices(*layers_.back().mixer, shell.layers);
    }
  }

  Mixed forward(const at::Tensor& tokens) override {
    at::Tensor x = at::dropout(at::embedding(embedding_, tokens), kDropout, training_), auxiliary;
    for (Layer& layer : layers_) {
      const Mixed mixed = layer.mixer->forward(layer.norm(x, epsilon_));
      x = x.add(mixed.out);
      x = x.add(layer.last_norm(x, epsilon_));
      add_auxiliary(auxiliary, mixed.auxiliary);
    }
    return {norm_(x, epsilon_), auxiliary};
  }
  at::Tensor logits(const at::Tensor& hidden) override { return at::linear(hidden, embedding_); }

  std::vector<Named> parameters() const override {
    std::vector<Named> all{{"embedding.weight", embedding_}};
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const std::string name = "layers." + std::to_string(i) + ".";
      all.push_back({name + "norm.weight", layers_[i].norm.weight});
      all.push_back({name + "norm.bias", layers_[i].norm.bias});
      for (const Named& own : layers_[i].mixer->parameters())
        all.push_back({name + "mixer." + own.name, own.tensor});
      all.push_back({name + "last_norm.weight", layers_[i].last_norm.weight});
      all.push_back({name + "last_norm.bias", layers_[i].last_norm.bias});
    }
    all.push_back({"norm.weight", norm_.weight});
    all.push_back({"norm.bias", norm_.bias});
    return all;
  }
  std::vector<Named> buffers() const override { return mixer_buffers(layers_); }
  void move(at::Device device, at::ScalarType type) override {
    for (at::Tensor* own : {&embedding_, &norm_.weight, &norm_.bias}) *own = moved(*own, device, type);
    for (Layer& layer : layers_) {
      layer.mixer->move(device, type);
      for (Norm* norm : {&layer.norm, &layer.last_norm})
        for (at::Tensor* own : {&norm->weight, &norm->bias}) *own = moved(*own, device, type);
    }
  }
  void train(bool on) override {
    training_ = on;
    train_mixers(layers_, on);
  }
  bool fuse(bool on) override { return fuse_mixers(layers_, on); }
  void mark(bool guarded) override { mark_mixers(layers_, guarded); }
  void restore() override { restore_mixers(layers_); }
  std::string changed() override { return changed_mixers(layers_); }

 private:
  struct Layer {
    Norm norm, last_norm;
    std::unique_ptr<Mixer> mixer;
  };
  double epsilon_;
  at::Tensor embedding_;
  Norm norm_;
  std::vector<Layer> layers_;
  bool training_ = true;
};

}  // namespace

std::unique_ptr<Shell> make_recall_shell(const formats::Recipe& recipe, const MixerFactory& mixer) {
  return std::make_unique<RecallModel>(recipe.shell, mixer);
}

}  // namespace assay::replay
