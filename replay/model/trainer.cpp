#include "replay/model/trainer.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/zeros_like.h>
#include <cmath>
#include <cstring>
#include <torch/csrc/autograd/autograd.h>

#include "kernels/torch/assay_kernels.h"
#include "replay/model/operators.hpp"
#include "replay/model/recorders.hpp"
#include "replay/model/schedule.hpp"
#include "replay/model/state.hpp"
#include "replay/runner/failure.hpp"

namespace assay::replay {

namespace {

/// Where evaluation's random streams lie, if a program draws even then; training steps count up from 0.
constexpr std::int64_t kEvaluationStep = 0xffffffff;

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const at::Tensor left = a.to(at::kCPU).contiguous(), right = b.to(at::kCPU).contiguous();
  return std::memcmp(left.const_data_ptr(), right.const_data_ptr(), left.nbytes()) == 0;
}

/// Random streams and host uses of the library's operators; Python's state by way of the mixers.
class Watching final : public Observed {
 public:
  Watching(Shell& shell, at::Device device) : shell_(shell), device_(device.is_cuda() ? 1 : 0) {}
  void begin() override {
    assay_kernels_rewind_streams(device_);
    assay_kernels_watch(device_);
  }
  std::string end() override {
    std::string use = assay_kernels_host_use();
    assay_kernels_watch(-1);
    return use;
  }
  void mark(bool guarded) override { shell_.mark(guarded); }
  void restore() override { shell_.restore(); }
  std::string changed() override { return shell_.changed(); }

 private:
  Shell& shell_;
  int device_;
};

}  // namespace

Trainer::Trainer(const formats::Recipe& recipe, std::unique_ptr<Shell> shell, at::Device device)
    : recipe_(recipe), shell_(std::move(shell)), device_(device) {
  const bool bf16 = recipe.precision == formats::Precision::bf16;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> masters;
  for (const Named& own : shell_->parameters())
    masters.push_back(bf16 ? own.tensor.detach().clone() : at::Tensor());
  shell_->move(device, bf16 ? at::kBFloat16 : at::kFloat);
  shell_->train(true);
  std::size_t i = 0;
  for (const Named& own : shell_->parameters()) {
    Parameter parameter{own.name, own.tensor, {}, {}, {}};
    parameter.master = bf16 ? masters[i].to(device) : own.tensor.detach();
    if (parameter.master.scalar_type() != at::kFloat)
      throw Failure(FailureKind::constructor,
                    "parameter " + own.name + ": expected float32, found another type");
    parameter.average = at::zeros_like(parameter.master);
    parameter.square = at::zeros_like(parameter.master);
    if (own.tensor.requires_grad()) {
      leaves_.push_back(own.tensor);
      trained_.push_back(i);
    }
    parameters_.push_back(std::move(parameter));
    ++i;
  }
}

std::int64_t Trainer::parameter_count() const {
  std::int64_t n = 0;
  for (const Parameter& parameter : parameters_) n += parameter.tensor.numel();
  return n;
}

std::vector<at::Tensor> Trainer::saved_buffers() const {
  std::vector<at::Tensor> saved;
  for (const Named& own : shell_->buffers()) saved.push_back(own.tensor.detach().clone());
  return saved;
}

/// By position and into the tensors that are there now: a program may have put others in their place.
void Trainer::set_buffers(const std::vector<at::Tensor>& saved) {
  const at::NoGradGuard no_grad;
  const std::vector<Named> now = shell_->buffers();
  if (now.size() != saved.size())
    throw Failure(FailureKind::forward, "forward: expected " + std::to_string(saved.size()) +
                                            " buffers as before, found " + std::to_string(now.size()));
  for (std::size_t i = 0; i < now.size(); ++i) now[i].tensor.detach().copy_(saved[i]);
}

void Trainer::capture(std::unique_ptr<Recorder> recorder) {
  recorder_ = std::move(recorder);
  if (!recorder_) return;
  observed_ = std::make_unique<Watching>(*shell_, device_);
  captures_ = std::make_unique<Captures>(*recorder_, *observed_);
}

void Trainer::rehearse() {
  capture(rehearsing_recorder([this] { return [this, saved = saved_buffers()] { set_buffers(saved); }; }));
}

std::vector<Captures::News> Trainer::capture_news() {
  return captures_ ? captures_->news() : std::vector<Captures::News>();
}

Trainer::Leaf Trainer::leaf(const Examples& batch, std::int64_t first) {
  const std::int64_t rows = recipe_.batch.leaf;
  const Captures::Key key = LeafInputs::key_of(batch, first, rows);
  const bool several = batch.rows > rows;
  if (!captures_ || (!slots_.contains(key) && slots_.size() >= Captures::kMostKeys)) {
    LeafInputs inputs;
    inputs.set(batch, first, rows, device_);
    return computed(inputs, key, several ? batch.rows : rows);
  }
  Slot& slot = slots_[key];
  slot.inputs.set(batch, first, rows, device_);
  const auto work = [this, &slot, key, all = batch.rows] { slot.leaf = computed(slot.inputs, key, all); };
  if (!captures_->run(key, work)) return std::exchange(slot.leaf, {});
  if (!several) return slot.leaf;
  const at::NoGradGuard no_grad;
  Leaf own = slot.leaf;  // the next leaf is written over this one
  for (at::Tensor& gradient : own.gradients)
    if (gradient.defined()) gradient = gradient.clone();
  return own;
}

Trainer::Leaf Trainer::computed(const LeafInputs& inputs, const Captures::Key& key, std::int64_t all_rows) {
  const std::int64_t rows = key[0], labels = key[2], all_labels = key[3];
  const Answers answers = answers_of(*shell_, inputs);
  at::Tensor loss;
  if (labels > 0) loss = summed_loss(answers, inputs).div(static_cast<double>(all_labels));
  if (answers.auxiliary.defined()) {
    const at::Tensor share = answers.auxiliary.mul(static_cast<double>(rows) / static_cast<double>(all_rows));
    loss = loss.defined() ? loss.add(share) : share;
  }
  Leaf leaf{Gradients(parameters_.size() + 1), {}};
  if (!loss.defined()) return leaf;
  if (loss.requires_grad()) {
    const auto found = torch::autograd::grad({loss}, leaves_, {}, std::nullopt, false, true);
    const at::NoGradGuard no_grad;
    const bool several = all_rows > rows;
    for (std::size_t i = 0; i < leaves_.size(); ++i)
      if (found[i].defined()) leaf.gradients[trained_[i]] = several ? found[i].to(at::kFloat) : found[i];
    if (!several) leaf.norm = norm_of(leaf.gradients);
  }
  leaf.gradients.back() = loss.detach();
  return leaf;
}

/// Of all but the last, which is the loss.
at::Tensor Trainer::norm_of(const Gradients& gradients) const {
  std::vector<at::Tensor> found;
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (gradients[i].defined()) found.push_back(gradients[i]);
  return found.empty() ? at::Tensor() : ops::total_norm(found);
}

bool Trainer::fuse(std::int64_t step, const Examples& batch) {
  if (!shell_->fuse(false)) return false;
  const std::vector<at::Tensor> before = saved_buffers();
  const auto gradients = [&](bool on) {
    shell_->fuse(on);
    assay_kernels_set_step(step * (batch.rows / recipe_.batch.leaf));
    LeafInputs inputs;
    inputs.set(batch, 0, recipe_.batch.leaf, device_);
    Leaf found = computed(inputs, LeafInputs::key_of(batch, 0, recipe_.batch.leaf), batch.rows);
    set_buffers(before);
    return std::move(found.gradients);
  };
  const Gradients own = gradients(false), fused = gradients(true);
  bool same = true;
  for (std::size_t i = 0; i < own.size(); ++i) same = same && same_bits(own[i], fused[i]);
  return shell_->fuse(same) && same;
}

StepNumbers Trainer::step(std::int64_t step, const Examples& batch, std::int64_t passes) {
  const std::int64_t leaves = batch.rows / recipe_.batch.leaf;
  const auto [first, last] =
      share_ ? share_->leaves_of(leaves) : std::pair<std::int64_t, std::int64_t>{0, leaves};
  const std::int64_t share = std::max<std::int64_t>(1, (last - first + passes - 1) / passes);
  const std::vector<at::Tensor> before = leaves > 1 ? saved_buffers() : std::vector<at::Tensor>();
  std::vector<at::Tensor> kept = before;
  at::Tensor norm;  // of a batch of one leaf
  LeafTree all;
  for (std::int64_t begin = first; begin < last; begin += share) {
    LeafTree pass;
    for (std::int64_t j = begin; j < std::min(begin + share, last); ++j) {
      if (j > 0) set_buffers(before);
      assay_kernels_set_step(step * leaves + j);
      Leaf made = leaf(batch, j * recipe_.batch.leaf);
      if (leaves == 1) norm = made.norm;
      pass.add({0, j}, std::move(made.gradients));
      if (j == 0 && leaves > 1) kept = saved_buffers();
    }
    const at::NoGradGuard no_grad;
    pass.give_to(all);
  }
  Gradients sums = sum(std::move(all), kept);
  if (leaves > 1) set_buffers(kept);
  const at::NoGradGuard no_grad;
  return update(step, sums, norm);
}

Gradients Trainer::sum(LeafTree own, std::vector<at::Tensor>& kept) const {
  const at::NoGradGuard no_grad;
  if (!share_) return own.finish();
  std::vector<at::Tensor> shapes;
  for (const Parameter& parameter : parameters_) shapes.push_back(parameter.master);
  shapes.push_back(at::empty({}, at::TensorOptions(at::kFloat).device(device_)));  // the loss
  return share_->sum(std::move(own), shapes, kept);
}

StepNumbers Trainer::update(std::int64_t step, const Gradients& gradients, at::Tensor norm) {
  std::vector<at::Tensor> found, masters, averages, squares, copies;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!gradients[i].defined()) continue;
    const Parameter& parameter = parameters_[i];
    found.push_back(gradients[i]);
    masters.push_back(parameter.master);
    averages.push_back(parameter.average);
    squares.push_back(parameter.square);
    if (recipe_.precision == formats::Precision::bf16) copies.push_back(parameter.tensor.detach());
  }
  if (!norm.defined()) norm = ops::total_norm(found);
  StepNumbers numbers;  // read when all work is in the stream: the first read waits for it
  if (gradients.back().defined()) numbers.loss = gradients.back().item<float>();
  numbers.grad_norm = norm.item<float>();
  const auto refuse = [&](const char* what) {
    throw Failure(FailureKind::nonfinite,
                  std::string(what) + " is not finite in step " + std::to_string(step));
  };
  if (!std::isfinite(numbers.loss)) refuse("the loss");
  if (!std::isfinite(numbers.grad_norm)) refuse("the norm of the gradients");
  const auto& adam = recipe_.optimizer;
  const at::Tensor scalars = ops::adam_scalars(
      learning_rate(recipe_, step), adam.betas[0], adam.betas[1], adam.eps, adam.weight_decay,
      repeated_power(adam.betas[0], step), repeated_power(adam.betas[1], step));
  std::optional<at::Tensor> factor;
  if (adam.clip > 0) factor = ops::clip_factor(norm, adam.clip);
  ops::adam_step(masters, found, averages, squares, copies, scalars.to(device_), factor, adam.weight_decay);
  return numbers;
}

Metrics Trainer::evaluate(const Task& task) {
  const Metrics metrics = evaluated(task);
  if (captures_) captures_->ran_otherwise();
  return metrics;
}

Metrics Trainer::evaluated(const Task& task) {
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> before = saved_buffers();
  shell_->train(false);
  Metrics metrics;
  double loss = 0, accuracy = 0;
  std::int64_t rows = 0;
  for (std::int64_t i = 0; i < task.evaluation_batches(); ++i) {
    const Examples batch = task.evaluation(i);
    assay_kernels_set_step(kEvaluationStep);
    LeafInputs inputs;
    inputs.set(batch, 0, batch.rows, device_);
    const Answers answers = answers_of(*shell_, inputs);
    loss += summed_loss(answers, inputs).item<float>();
    const at::Tensor said = at::argmax(answers.logits, -1).to(at::kCPU).contiguous();
    const auto* guesses = said.const_data_ptr<std::int64_t>();
    for (std::int64_t row = 0; row < batch.rows; ++row) {
      const auto [begin, end] = batch.labels_of(row, row + 1);
      std::int64_t right = 0;
      for (std::size_t k = begin; k < end; ++k) right += guesses[k] == batch.labels[k];
      if (end > begin) accuracy += static_cast<double>(right) / static_cast<double>(end - begin);
      rows += end > begin;
    }
    metrics.labels += static_cast<std::int64_t>(batch.labels.size());
  }
  shell_->train(true);
  set_buffers(before);
  if (metrics.labels > 0) metrics.loss = loss / static_cast<double>(metrics.labels);
  if (rows > 0) metrics.accuracy = accuracy / static_cast<double>(rows);
  const at::Tensor mean = at::empty({}, at::kFloat).fill_(metrics.loss);
  metrics.perplexity = at::exp(mean).item<float>();
  return metrics;
}

/// Calls visit(kind, name, tensor) for each tensor of the state; integers of the host come as new tensors.
template <typename F>
void Trainer::each_leaf_of_state(std::int64_t step, const F& visit) const {
  using formats::StateKind;
  for (const Parameter& parameter : parameters_) {
    visit(StateKind::parameter, parameter.name, parameter.tensor.detach());
    if (recipe_.precision == formats::Precision::bf16)
      visit(StateKind::master, parameter.name, parameter.master);
    visit(StateKind::optimizer, parameter.name + ".average", parameter.average);
    visit(StateKind::optimizer, parameter.name + ".square", parameter.square);
  }
  for (const Named& own : shell_->buffers()) visit(StateKind::buffer, own.name, own.tensor.detach());
  const std::int64_t streams[2] = {recipe_.seed, step + 1};
  visit(StateKind::generator, std::string("streams"), integers(streams, 2, at::kCPU));
  visit(StateKind::optimizer, std::string("step"), integers(&step, 1, at::kCPU));
}

Trainer::State Trainer::state(std::int64_t step) const {
  const at::NoGradGuard no_grad;
  State state;
  each_leaf_of_state(step, [&](formats::StateKind kind, const std::string& name, const at::Tensor& tensor) {
    const at::Tensor here = tensor.to(at::kCPU).contiguous();
    state.tensors.push_back(state_tensor(kind, name, here));
    state.held.push_back(here);
  });
  return state;
}

void Trainer::restore(const Checkpoint& checkpoint) {
  const at::NoGradGuard no_grad;
  std::map<std::string, const formats::StateTensor*> given;
  for (const formats::StateTensor& tensor : checkpoint.tensors) given.emplace(full_name(tensor), &tensor);
  const auto refuse = [](const std::string& what) {
    throw Failure(FailureKind::data, "the checkpoint does not fit this recipe and program: " + what);
  };
  each_leaf_of_state(
      static_cast<std::int64_t>(checkpoint.place.step),
      [&](formats::StateKind kind, const std::string& name, const at::Tensor& tensor) {
        const formats::StateTensor own = state_tensor(kind, name, tensor);
        const auto found = given.find(full_name(own));
        if (found == given.end()) refuse("it has no " + full_name(own));
        const formats::StateTensor& saved = *found->second;
        if (!(saved.type == own.type))
          refuse(full_name(own) + ": expected " + own.type.text() + ", found " + saved.type.text());
        at::Tensor values = at::empty(tensor.sizes(), tensor.options().device(at::kCPU));
        if (!saved.bytes.empty()) std::memcpy(values.data_ptr(), saved.bytes.data(), saved.bytes.size());
        tensor.copy_(values);
        given.erase(found);
      });
  if (!given.empty()) refuse("it has a " + given.begin()->first);
}

}  // namespace assay::replay
