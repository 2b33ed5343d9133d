// Gradients of leaves, added in a binary tree that is fixed by the leaves' numbers: whoever makes which leaf,
// and when, changes no bit (docs/determinism.md, R1, step 3: absent leaves are skipped).
#pragma once

#include <ATen/core/Tensor.h>
#include <map>
#include <utility>
#include <vector>

namespace assay::replay {

/// One value a parameter; an undefined one is absent.
using Gradients = std::vector<at::Tensor>;

class LeafTree {
 public:
  using Place = std::pair<std::int64_t, std::int64_t>;  ///< level from 0, number in it

  /// A leaf (level 0), or the sum of a whole aligned subtree. Takes `value`: sums are made in place.
  void add(Place place, Gradients value);
  /// Moves all that is here into `other`.
  void give_to(LeafTree& other);
  /// What is here, no longer.
  std::map<Place, Gradients> take() { return std::exchange(nodes_, {}); }
  /// The sum of everything; leaves that were not added are skipped.
  Gradients finish();

 private:
  std::map<Place, Gradients> nodes_;
};

}  // namespace assay::replay
