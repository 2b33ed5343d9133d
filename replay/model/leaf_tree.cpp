#include "replay/model/leaf_tree.hpp"

namespace assay::replay {

namespace {

void join(Gradients& left, const Gradients& right) {
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!right[i].defined()) continue;
    if (left[i].defined())
      left[i].add_(right[i]);
    else
      left[i] = right[i];
  }
}

}  // namespace

void LeafTree::add(Place place, Gradients value) {
  for (;;) {
    const auto sibling = nodes_.find({place.first, place.second ^ 1});
    if (sibling == nodes_.end()) break;
    if (place.second % 2 == 0) {
      join(value, sibling->second);
    } else {
      join(sibling->second, value);
      value = std::move(sibling->second);
    }
    nodes_.erase(sibling);
    place = {place.first + 1, place.second / 2};
  }
  nodes_.emplace(place, std::move(value));
}

void LeafTree::give_to(LeafTree& other) {
  for (auto& [place, value] : nodes_) other.add(place, std::move(value));
  nodes_.clear();
}

Gradients LeafTree::finish() {
  while (nodes_.size() > 1) {
    auto lowest = nodes_.extract(nodes_.begin());
    add({lowest.key().first + 1, lowest.key().second / 2}, std::move(lowest.mapped()));
  }
  return nodes_.empty() ? Gradients() : std::move(nodes_.begin()->second);
}

}  // namespace assay::replay
