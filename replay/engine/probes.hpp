// Questions that a replay puts to the program from outside (docs/replay.md, "Probes"): a runner asks them of
// the model, and what it claims of itself is judged here.
#pragma once

#include <vector>

#include "replay/engine/replay.hpp"

namespace assay::replay {

/// Of the model in the state of `from`, or in its initial one. `claimed` is the number of parameters as the
/// experiment's record has it: a number, or a text such as "495.73M"; null where it has none. `own_size`: the
/// record is of a model of this recipe's size.
Result<std::vector<formats::ReplayProbe>> ask_probes(const ReplayRequest& request,
                                                     const std::optional<Job::From>& from,
                                                     const Json& claimed, bool own_size);

/// 495.73M: between 495.725 and 495.735 million. Nothing where it is no number.
struct ClaimedNumber {
  double low = 0, high = 0;
};
std::optional<ClaimedNumber> claimed_number(const Json& claimed);

}  // namespace assay::replay
