// What `replay` needs of an experiment, out of a bundle: read in confinement, each digest checked, and held
// against itself before anything of it runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "replay/engine/replay.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/cli/output.hpp"

namespace assay::cli::commands {

struct SealedExperiment {
  Digest bundle;  ///< root
  std::optional<std::string> program;
  Json parameters;  ///< how many its record claims; null where it says nothing

  std::optional<replay::SealedRun> run;  ///< nothing where no recipe is sealed
};

/// Errors: Fault::missing where there is no such experiment; Fault::damaged where recipe, program, trace and
/// checkpoints do not fit together: which one, at which step, expected and found.
Result<SealedExperiment> read_experiment(const Fd& bundle, const std::string& file, const std::string& id,
                                         Output& output);

/// Puts the checkpoints of these steps together again as files in `folder`.
Result<std::map<std::uint64_t, std::filesystem::path>> unpack_checkpoints(
    const Fd& bundle, const std::string& file, const std::string& id, const std::vector<std::uint64_t>& steps,
    const std::filesystem::path& folder, Output& output);

}  // namespace assay::cli::commands
