// A design drawn anew: each choice of each slot as likely.
#include "replay/own/mutation.hpp"

namespace assay::own {

Mutation fresh_mutation() {
  return {"fresh", "all slots drawn anew", 1, 0, [](std::span<const Genes>, rules::PhiloxStream& stream) {
            Genes genes = base_genes();
            for (std::size_t i = 0; i < genes.size(); ++i)
              genes[i] = stream.below(static_cast<std::uint32_t>(slots()[i].choices.size()));
            return genes;
          }};
}

}  // namespace assay::own
