// One step divided between processes: each computes whole leaves of its own, the first adds all of them in
// the one tree and gives the sums to the others; so every process holds the same state, and no bit depends on
// how many there are.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "replay/model/leaf_tree.hpp"

namespace assay::replay {

/// `descriptors` are stream sockets: of process 0 one to each other process, in their order; of the others
/// one to process 0.
struct ShareOptions {
  std::int64_t index = 0, of = 1;
  std::vector<int> descriptors;
};

class Share {
 public:
  explicit Share(ShareOptions options) : options_(std::move(options)) {}
  /// The leaves [first, second) of `leaves` that this process computes.
  std::pair<std::int64_t, std::int64_t> leaves_of(std::int64_t leaves) const;
  /// The sums of all leaves. `own`: those of this process. `shapes`: a tensor of each gradient's sizes, on
  /// its device. `buffers`: what leaf 0 left, of process 0; of the others, overwritten by that. Throws
  /// Failure(internal): another process is gone.
  Gradients sum(LeafTree own, const std::vector<at::Tensor>& shapes, std::vector<at::Tensor>& buffers) const;

 private:
  ShareOptions options_;
};

}  // namespace assay::replay
