// One assay-runner, from start to end: confined, within limits, its events handed on as they come. Whatever
// it does, this process lives on and says in one sentence what happened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "replay/engine/events.hpp"
#include "toolkit/base/confined_program.hpp"

namespace assay::replay {

struct Limits {
  std::uint64_t memory = 0;      ///< bytes resident, of all its processes; 0: three quarters of the machine's
  std::uint64_t processes = 16;  ///< counted where nothing else forbids them (tier rlimits)
  std::uint64_t output = 64ull << 30;  ///< bytes in its folder
  double step_seconds = 900;  ///< without an event; construction and the first step are one wait each
  double total_seconds = 0;   ///< 0: none
};

struct RunnerSpec {
  std::filesystem::path runner, job;
  std::filesystem::path folder;  ///< its output: all that it may write to
  std::vector<std::filesystem::path> readable;
  std::vector<int> descriptors;  ///< sockets to the processes that divide its steps with it
  bool gpu = false;
  unsigned number = 0;  ///< of several at a time: each takes the next GPU
  ProgramTier tier = ProgramTier::seccomp;
  Limits limits;
  std::optional<ErrorEvent>* told = nullptr;  ///< gets the error event that ended it, where one did
};

/// Runs it. `sink` gets each event and says whether to go on; where it says no, or gives an Error, the runner
/// is killed. Gives what confined it. Fault::failed: it ended early, broke a limit or sent what is no event.
Result<std::string> run_runner(const RunnerSpec& spec, const EventReader::Sink& sink);

/// Runs several that divide each step between them: the first one's events go to `sink`. `specs` are their
/// parts, in order of Job::index.
Result<std::string> run_runners(std::vector<RunnerSpec> specs, const EventReader::Sink& sink);

/// $ASSAY_RUNNER, else assay-runner beside this program, else ../libexec/assay/assay-runner.
Result<std::filesystem::path> find_runner();

}  // namespace assay::replay
