// What the fitness formula of a search may name of a training run: docs/search.md, "Fitness".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/run.hpp"

namespace assay::formats {

using Measured = std::map<std::string, double>;

/// The metrics of the last evaluation, by their own names; empty where there was none.
Measured tested_of(const std::vector<Evaluation>& evaluations);

/// `train_loss` (of the last step), `parameters`, `steps`, and `test_` before each metric of the last
/// evaluation, with `_` for what a formula cannot name.
Measured measured_of(float loss, const RunResult& result, const Measured& tested);
Measured measured_of(const Run& run);

/// The numbers of a result's field "measured"; what is none is left out.
Measured numbers_of(const Json& measured);
Json json_of(const Measured& measured);

}  // namespace assay::formats
