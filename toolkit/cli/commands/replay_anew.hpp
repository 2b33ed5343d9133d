// An experiment's program under a recipe that its authors did not seal: a new run, beside a baseline where
// that is asked for.
#pragma once

#include "toolkit/cli/commands/replay_bundle.hpp"
#include "toolkit/cli/commands/replay_options.hpp"

namespace assay::cli::commands {

Result<Exit> run_anew(const Arguments& arguments, const SealedExperiment& experiment,
                      const ReplayOptions& options, Output& output);

}  // namespace assay::cli::commands
