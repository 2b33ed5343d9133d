// A run from start to end, told as events.
#pragma once

#include "replay/runner/events.hpp"
#include "replay/runner/job.hpp"

namespace assay::replay {

/// Throws Failure; whatever else torch throws is for main.
void run(const Job& job, const Events& events);

}  // namespace assay::replay
