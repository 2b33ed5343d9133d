// Questions put to a model from outside, on any program: docs/replay.md, "Probes". They run forward passes
// and one backward pass on inputs that differ where they should not matter, and compare bits.
#pragma once

#include <functional>

#include "replay/model/mixer.hpp"
#include "replay/model/trainer.hpp"

namespace assay::replay {

struct ProbeResult {
  std::string name;    ///< of formats::kProbes
  std::string answer;  ///< "no", "rounding", "yes", "failed" or "not asked"
  std::string text;    ///< one sentence
  std::int64_t value = 0;
};

/// Asks each, and tells it as soon as it is answered. `mixers` are the trainer's. Nothing of the state is
/// changed after it; no exception of a program's leaves it.
void probe(Trainer& trainer, const std::vector<Mixer*>& mixers, const formats::Recipe& recipe,
           const Examples& batch, at::Device device, const std::function<void(const ProbeResult&)>& tell);

}  // namespace assay::replay
