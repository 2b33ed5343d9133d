// The one training loop's step: programs and baselines, CPU and CUDA.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "formats/recipe.hpp"
#include "replay/model/answers.hpp"
#include "replay/model/captures.hpp"
#include "replay/model/checkpoint.hpp"
#include "replay/model/leaf_tree.hpp"
#include "replay/model/share.hpp"
#include "replay/model/shell.hpp"
#include "replay/tasks/task.hpp"

namespace assay::replay {

struct StepNumbers {
  float loss = 0;       ///< mean over the batch's labels, plus the auxiliary losses' mean over the leaves
  float grad_norm = 0;  ///< of all gradients, before clipping
};

struct Metrics {
  double loss = 0, accuracy = 0, perplexity = 0;  ///< accuracy: mean over rows of their mean at labels
  std::int64_t labels = 0;
};

/// Every leaf starts from the buffers as the step found them, and those that leaf 0 leaves are kept: so
/// leaves do not depend on each other, and a program's counter counts steps. Leaf j of step i draws from the
/// streams of step i * leaves + j.
class Trainer {
 public:
  /// `shell` is on the CPU in fp32, as it was made; it is moved to the device and to the recipe's precision.
  Trainer(const formats::Recipe& recipe, std::unique_ptr<Shell> shell, at::Device device);

  /// Throws Failure: what a program does, nonfinite. `passes`: groups of leaves that are summed apart.
  StepNumbers step(std::int64_t step, const Examples& batch, std::int64_t passes);
  /// Lets the fused operators take a program's functions' place where they give the bits of the first leaf of
  /// this step, loss and every gradient; both ways are computed for that, and nothing of it is kept. True
  /// when they do.
  bool fuse(std::int64_t step, const Examples& batch);
  /// Leaves are recorded where Captures allows it, and run again as they were recorded: the same bits,
  /// without Python's time. Null: never.
  void capture(std::unique_ptr<Recorder> recorder);
  /// The same on the CPU: a recording is the work itself.
  void rehearse();
  std::vector<Captures::News> capture_news();
  Metrics evaluate(const Task& task);

  std::int64_t parameter_count() const;

  /// Steps are divided with other processes from now on.
  void share(ShareOptions options) { share_ = std::make_unique<Share>(std::move(options)); }

  // For probes.
  Shell& shell() { return *shell_; }
  Gradients first_gradients(const Examples& batch) {
    return leaf(batch, 0).gradients;
  }  ///< of the first leaf
  std::vector<at::Tensor> buffers() const { return saved_buffers(); }
  void put_back(const std::vector<at::Tensor>& buffers) { set_buffers(buffers); }

  /// All state after `step` steps, on the CPU; `held` owns the bytes.
  struct State {
    std::vector<formats::StateTensor> tensors;
    std::vector<at::Tensor> held;
  };
  State state(std::int64_t step) const;
  /// Sets all state; throws Failure(data) when the checkpoint holds other tensors than this model has.
  void restore(const Checkpoint& checkpoint);

 private:
  struct Parameter {
    std::string name;
    at::Tensor tensor, master, average, square;  ///< master is tensor in fp32
  };
  /// One forward and backward pass: gradients, the last of which is the loss itself, and their norm when the
  /// batch is one leaf.
  struct Leaf {
    Gradients gradients;
    at::Tensor norm;
  };
  Metrics evaluated(const Task& task);
  Leaf leaf(const Examples& batch, std::int64_t first);
  Leaf computed(const LeafInputs& inputs, const Captures::Key& key, std::int64_t all_rows);
  at::Tensor norm_of(const Gradients& gradients) const;
  StepNumbers update(std::int64_t step, const Gradients& gradients, at::Tensor norm);
  Gradients sum(LeafTree own, std::vector<at::Tensor>& kept) const;
  std::vector<at::Tensor> saved_buffers() const;
  void set_buffers(const std::vector<at::Tensor>& saved);
  template <typename F>
  void each_leaf_of_state(std::int64_t step, const F& visit) const;

  formats::Recipe recipe_;
  std::unique_ptr<Shell> shell_;
  at::Device device_;
  std::vector<Parameter> parameters_;
  std::vector<at::Tensor> leaves_;    ///< those that want a gradient, for autograd
  std::vector<std::size_t> trained_;  ///< where they stand among the parameters
  std::unique_ptr<Share> share_;

  struct Slot {
    LeafInputs inputs;
    Leaf leaf;
  };
  std::map<Captures::Key, Slot> slots_;  ///< what recordings read and write
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<Observed> observed_;
  std::unique_ptr<Captures> captures_;
};

}  // namespace assay::replay
