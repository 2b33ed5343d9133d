#include "replay/own/mutation.hpp"

namespace assay::own {

std::span<const Mutation> mutations() {
  static const std::vector<Mutation> all = {point_mutation(), pair_mutation(), cross_mutation(),
                                            fresh_mutation()};
  return all;
}

void change_one(Genes& genes, rules::PhiloxStream& stream) {
  const std::size_t slot = stream.below(static_cast<std::uint32_t>(genes.size()));
  const auto others = static_cast<std::uint32_t>(slots()[slot].choices.size() - 1);
  const std::size_t drawn = stream.below(others);
  genes[slot] = drawn < genes[slot] ? drawn : drawn + 1;
}

}  // namespace assay::own
