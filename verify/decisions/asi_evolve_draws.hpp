// The draws of ASI-Evolve's samplers from Python's generator. The program never seeds it; but where the run
// was recorded with `assay record --deterministic`, CPython seeded it from a stream that the record fixes.
#pragma once

#include "toolkit/rules/evolve.hpp"
#include "verify/decisions/asi_evolve_rules.hpp"

namespace assay::verify::evolve {

/// What one call of sample() had before it.
struct Draw {
  std::string step;
  std::vector<rules::EvolveNode> live;
  std::vector<std::int64_t> pool;  ///< island: the nodes of the island that was sampled, or all
  std::size_t n = 0;
  std::optional<std::vector<std::int64_t>> parents;  ///< as the record has them
  std::string at_most, because;                      ///< what is said where the draw cannot be recomputed
  bool judged = false;  ///< it differs in another way, and only moves the generator
};

/// Judges all draws of a run, in their order. `known`: nothing happened in between that a draw's place in the
/// stream hangs on and that is not on record.
void judge_draws(const std::vector<Draw>& draws, const Settings& settings, const Record& record, bool known,
                 DecisionSink& sink);

}  // namespace assay::verify::evolve
