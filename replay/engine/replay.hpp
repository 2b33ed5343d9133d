// `assay replay`: a sealed run, or segments of it, computed again and held against the trace step by step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "formats/replay_result.hpp"
#include "formats/sealed_run.hpp"
#include "replay/engine/job.hpp"
#include "replay/engine/runner_process.hpp"
#include "replay/engine/segments.hpp"
#include "toolkit/base/progress.hpp"

namespace assay::replay {

using SealedRun = formats::SealedRun;

struct ReplayRequest {
  const SealedRun* run = nullptr;
  std::vector<Segment> segments;
  std::map<std::uint64_t, std::filesystem::path>
      checkpoints;  ///< unpacked: where each segment but one from 0 starts
  std::map<std::string, std::filesystem::path> data;
  std::filesystem::path
      work;  ///< a folder of its own; what was replayed before is noted there and not done again
  std::filesystem::path runner;
  std::vector<std::filesystem::path> reads;
  Place place;
  Limits limits;
  ProgramTier tier = ProgramTier::seccomp;
  unsigned jobs = 1;   ///< processes at a time
  bool bisect = true;  ///< look for the operator that a difference comes from
  Progress* progress = nullptr;
};

struct ReplayOutcome {
  std::vector<Segment> same;                            ///< ascending, neighbours joined
  std::optional<formats::ReplayDifference> difference;  ///< the one of the lowest step
  std::uint64_t noted = 0;                              ///< steps that an earlier call had done
  double seconds = 0;
  std::string confinement;
  Json facts;  ///< what the runner said of itself
};

/// Fault::failed where the program fails now; a difference is no error.
Result<ReplayOutcome> replay(const ReplayRequest& request);

/// "1.2345678 (3f9e0652)"
std::string number_text(std::uint32_t bits);

}  // namespace assay::replay
