// From the step of a difference to its operator: the steps after the last equal state are run again on two
// sides, as the replay ran and as the contract's reference does (portable code on the CPU, one thread); first
// by the state after every step, then by a digest of every operator call of the first step that differs, then
// by that one call's results (docs/replay.md, "Where it differs").
#pragma once

#include <optional>

#include "replay/engine/replay.hpp"

namespace assay::replay {

/// The last state that was still the trace's: an initial one, a sealed checkpoint, or the replay's own.
struct EqualState {
  std::uint64_t step = 0;
  std::filesystem::path checkpoint;  ///< empty at step 0: the initial weights are made again
};

/// Fills in `difference.bisection` and, where one was found, `difference.culprit`. Works in request.work. An
/// error says why it could not be done; the difference stands all the same.
Status bisect(const ReplayRequest& request, const EqualState& from, formats::ReplayDifference& difference);

}  // namespace assay::replay
