// Each slot from one of two parents, as likely.
#include "replay/own/mutation.hpp"

namespace assay::own {

Mutation cross_mutation() {
  return {"cross", "each slot from one of two parents", 2, 2,
          [](std::span<const Genes> parents, rules::PhiloxStream& stream) {
            Genes genes = parents[0];
            for (std::size_t i = 0; i < genes.size(); ++i)
              if (stream.below(2)) genes[i] = parents[1][i];
            return genes;
          }};
}

}  // namespace assay::own
