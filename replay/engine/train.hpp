// `assay train`: a recipe and a program become a run's folder (docs/formats/run.md). A run that was killed
// goes on from its last checkpoint that holds, with the same bits.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "formats/run.hpp"
#include "replay/engine/job.hpp"
#include "replay/engine/runner_process.hpp"
#include "toolkit/base/progress.hpp"

namespace assay::replay {

struct TrainRequest {
  formats::Recipe recipe;
  std::optional<std::string> program;
  std::map<std::string, std::filesystem::path> data;  ///< checked against the recipe (check_data)
  std::filesystem::path run;
  std::filesystem::path runner;
  std::vector<std::filesystem::path> reads;  ///< RunnerFacts::reads
  Place place;
  Limits limits;
  ProgramTier tier = ProgramTier::seccomp;
  Progress* progress = nullptr;
  unsigned number = 0;                        ///< of several at a time (RunnerSpec::number)
  const std::atomic<bool>* stop = nullptr;    ///< once true, the run ends with Fault::interrupted
  std::optional<ErrorEvent>* told = nullptr;  ///< gets what the runner itself said went wrong
};

struct TrainOutcome {
  formats::RunResult result;
  float loss = 0;  ///< of the last step
  std::vector<formats::Evaluation> evaluations;
  std::optional<std::uint64_t> resumed;  ///< the step that it went on from
  bool was_done = false;                 ///< the folder held the finished run already
  double seconds = 0;
  std::string confinement;
  std::vector<std::string> remarks;  ///< checkpoints that could not be used, and why
};

/// Errors: Fault::refused where the folder holds something else, or another process works in it;
/// Fault::failed where the program fails or breaks a limit: what was done until then stays, and the same call
/// goes on from it.
Result<TrainOutcome> train(const TrainRequest& request);

/// Facts on this machine for environment.json: processor, cores, kernel.
Json host_facts();

}  // namespace assay::replay
