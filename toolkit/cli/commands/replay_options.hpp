// What `train` and `replay` share: where and within which limits a runner works.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "replay/engine/job.hpp"
#include "replay/engine/runner_process.hpp"
#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/output.hpp"

namespace assay::cli::commands {

std::vector<Option> replay_options();

struct ReplayOptions {
  replay::Place place;
  replay::Limits limits;
  ProgramTier tier = ProgramTier::seccomp;
  std::map<std::string, std::filesystem::path> data;
  std::filesystem::path runner;
  replay::RunnerFacts facts;
};
/// Asks the runner what it is, too.
Result<ReplayOptions> read_replay_options(const Arguments& arguments);

/// What a request of the engine's (TrainRequest, ReplayRequest) takes from the options.
template <typename Request>
void set_runner(Request& request, const ReplayOptions& options, Output& output) {
  request.data = options.data;
  request.runner = options.runner;
  request.reads = options.facts.reads;
  request.place = options.place;
  request.limits = options.limits;
  request.tier = options.tier;
  request.progress = &output.progress();
}

/// The recipe that NAME or FILE says, with the installed versions where it names none, and the hashes of
/// --data where it has none; both are checked.
Result<formats::Recipe> read_recipe(const std::string& name_or_file, const ReplayOptions& options);

/// "12", at least `low`; the error names the option.
Result<std::optional<std::uint64_t>> number_option(const Arguments& arguments, std::string_view name,
                                                   std::uint64_t low);

}  // namespace assay::cli::commands
