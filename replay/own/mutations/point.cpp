// One slot changes.
#include "replay/own/mutation.hpp"

namespace assay::own {

Mutation point_mutation() {
  return {"point", "one slot changes", 6, 1, [](std::span<const Genes> parents, rules::PhiloxStream& stream) {
            Genes genes = parents[0];
            change_one(genes, stream);
            return genes;
          }};
}

}  // namespace assay::own
