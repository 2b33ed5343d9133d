// One slot changes, then one more: the second may be the first again.
#include "replay/own/mutation.hpp"

namespace assay::own {

Mutation pair_mutation() {
  return {"pair", "two slots change", 2, 1, [](std::span<const Genes> parents, rules::PhiloxStream& stream) {
            Genes genes = parents[0];
            change_one(genes, stream);
            change_one(genes, stream);
            return genes;
          }};
}

}  // namespace assay::own
