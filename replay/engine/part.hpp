// One process's share of a replay: its folder with job, recipe and program, its output below.
#pragma once

#include "replay/engine/replay.hpp"

namespace assay::replay {

/// Empties `folder`, writes what a runner needs there and says how to start it. Of `job` are taken: from,
/// until, and what it asks for; `place` says where it runs, and stands in the job.
Result<RunnerSpec> prepare_part(const ReplayRequest& request, const std::filesystem::path& folder, Job job);

}  // namespace assay::replay
