// One leaf on its way through the model: its tokens and labels on the device, and what the model says there.
#pragma once

#include <ATen/core/Tensor.h>

#include "replay/model/captures.hpp"
#include "replay/model/shell.hpp"
#include "replay/tasks/task.hpp"

namespace assay::replay {

at::Tensor integers(const std::int64_t* data, std::int64_t n, at::Device device);

/// Rows [first, first + rows) of a batch. Tensors are filled again in place where the sizes are the same, so
/// a recorded step finds the next leaf where the first was.
class LeafInputs {
 public:
  void set(const Examples& batch, std::int64_t first, std::int64_t rows, at::Device device);
  /// What fixes the sizes of all that is computed: rows, length, labels of the leaf and of the batch.
  static Captures::Key key_of(const Examples& batch, std::int64_t first, std::int64_t rows);

  at::Tensor tokens;     ///< (rows, length)
  at::Tensor positions;  ///< of the labels, flat; undefined where every position has one
  at::Tensor labels;

 private:
  at::Tensor all_;  ///< tokens, positions, labels: one copy to the device
};

/// Logits at the labels, in fp32, and the sum of the auxiliary losses.
struct Answers {
  at::Tensor logits, auxiliary;
};
Answers answers_of(Shell& shell, const LeafInputs& inputs);
at::Tensor summed_loss(const Answers& answers, const LeafInputs& inputs);

}  // namespace assay::replay
