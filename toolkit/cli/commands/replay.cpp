// `assay replay`: an experiment's run again, held against its sealed trace.
#include "replay/engine/replay.hpp"

#include <algorithm>

#include "replay/engine/probes.hpp"
#include "toolkit/base/parallel.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/replay_anew.hpp"
#include "toolkit/cli/commands/replay_bundle.hpp"
#include "toolkit/cli/commands/replay_options.hpp"
#include "toolkit/cli/commands/replay_output.hpp"
#include "toolkit/cli/commands/replay_own.hpp"
#include "toolkit/cli/commands/replay_search.hpp"
#include "toolkit/cli/commands/replay_work.hpp"

namespace assay::cli::commands {

namespace {

struct Plan {
  std::vector<replay::Segment> all, chosen;
  std::optional<formats::ReplaySample> sample;
};

Result<Plan> plan_of(const Arguments& arguments, const replay::SealedRun& run) {
  Plan plan;
  plan.all = replay::segments_of(run.checkpoint_steps(), run.trace.rows.size());
  if (plan.all.empty() || plan.all[0].from != 0)
    plan.all.insert(plan.all.begin(), {0, plan.all.empty() ? run.trace.rows.size() : plan.all[0].from});
  plan.chosen = plan.all;
  const auto segment = arguments.value("--segment");
  const auto drawn = ASSAY_TRY(number_option(arguments, "--sample", 1));
  if (segment && drawn)
    return Error{Fault::usage, "--segment and --sample choose differently", "", "give one of them"};
  if (segment) plan.chosen = ASSAY_TRY(replay::part_of(plan.all, *segment));
  if (drawn) {
    const auto seed = ASSAY_TRY(number_option(arguments, "--seed", 0));
    if (!seed)
      return Error{Fault::usage, "--sample without --seed", "",
                   "who checks draws a seed that the author could not know"};
    plan.chosen = ASSAY_TRY(replay::sample_of(plan.all, *drawn, *seed));
    plan.sample = formats::ReplaySample{plan.all.size(), *drawn, *seed};
  }
  if (const auto steps = ASSAY_TRY(number_option(arguments, "--steps", 1)))
    plan.chosen = replay::cut(plan.chosen, *steps);
  if (plan.chosen.empty()) return Error{Fault::usage, "no step is left to replay", "option --steps", ""};
  return plan;
}

// Whole leaves alone are dealt out.
Status divide_steps(const Arguments& arguments, const formats::Recipe& recipe,
                    replay::ReplayRequest& request) {
  const auto leaves = static_cast<std::uint64_t>(recipe.batch.rows / recipe.batch.leaf);
  const auto take = [&](const char* option, unsigned& into) -> Status {
    const auto number = ASSAY_TRY(number_option(arguments, option, 1));
    if (number.value_or(1) > leaves)
      return Error{Fault::usage,
                   "the recipe's batch has " + counted(leaves, "leaf", "leaves") +
                       ", which cannot be divided into " + std::to_string(*number),
                   std::string("option ") + option, ""};
    into = static_cast<unsigned>(number.value_or(1));
    return {};
  };
  ASSAY_TRY(take("--processes", request.place.processes));
  return take("--passes", request.place.passes);
}

Result<Exit> reproduce(const Arguments& arguments, const Fd& fd, const SealedExperiment& experiment,
                       const ReplayOptions& options, Output& output) {
  const std::string file = *arguments.value("FILE"), id = *arguments.value("EXPERIMENT");
  const replay::SealedRun& run = *experiment.run;
  ASSAY_TRY(replay::check_versions(run.recipe, options.facts.versions));
  ASSAY_TRY(replay::check_data(run.recipe, options.data));
  const Plan plan = ASSAY_TRY(plan_of(arguments, run));
  const WorkFolder work =
      ASSAY_TRY(WorkFolder::make(arguments.value("--work"), run.trace.last_chain().hex()));
  std::vector<std::uint64_t> starts;
  for (const replay::Segment& segment : plan.chosen)
    if (segment.from > 0) starts.push_back(segment.from);
  // Probes are put to the model as it stood at the end.
  const std::uint64_t last = run.checkpoint_steps().empty() ? 0 : run.checkpoint_steps().back();
  if (last > 0 && std::find(starts.begin(), starts.end(), last) == starts.end()) starts.push_back(last);
  const fs::path sealed = work.path() / "sealed";
  std::error_code ignored;
  fs::create_directories(sealed, ignored);
  replay::ReplayRequest request;
  request.run = &run;
  request.segments = plan.chosen;
  request.checkpoints = ASSAY_TRY(unpack_checkpoints(fd, file, id, starts, sealed, output));
  request.work = work.path();
  set_runner(request, options, output);
  const auto jobs = ASSAY_TRY(number_option(arguments, "--jobs", 1));
  request.jobs = static_cast<unsigned>(std::min<std::uint64_t>(1024, jobs.value_or(1)));
  ASSAY_TRY(divide_steps(arguments, run.recipe, request));
  if (request.place.threads == 0)
    request.place.threads = std::max(1U, usable_cores() / (request.jobs * request.place.processes));
  request.bisect = !arguments.has("--no-bisect");
  const replay::ReplayOutcome outcome = ASSAY_TRY(replay::replay(request));
  formats::ReplayResult result;
  result.bundle = experiment.bundle;
  result.experiment = id;
  result.recipe = run.trace.head.recipe;
  result.program = run.trace.head.program;
  result.steps = run.trace.rows.size();
  result.chain = run.trace.last_chain();
  result.segments = outcome.same;
  result.difference = outcome.difference;
  result.sample = plan.sample;
  result.strict = options.place.strict;
  result.environment = environment_json(options, outcome.confinement, outcome.facts, outcome.seconds);
  if (!arguments.has("--no-probes") && !result.difference) {
    std::optional<replay::Job::From> from;
    if (last > 0)
      from = replay::Job::From{request.checkpoints.at(last),
                               {last, run.trace.chain_at(last).value_or(Digest())}};
    result.probes = ASSAY_TRY(replay::ask_probes(request, from, experiment.parameters, true));
  }
  ASSAY_TRY(write_result(arguments, result));
  return print_result(arguments, result, outcome.seconds, outcome.noted, output);
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  if (arguments.has("--search")) return replay_search(arguments, output);
  if (!arguments.has("EXPERIMENT"))
    return Error{Fault::usage, "missing: EXPERIMENT, its id", "", "or --search, to rerun a recorded search"};
  const std::string file = *arguments.value("FILE"), id = *arguments.value("EXPERIMENT");
  if (arguments.has("--key") && !arguments.has("--output"))
    return Error{Fault::usage, "--key without -o FILE, the result to sign", "", ""};
  const Fd fd = ASSAY_TRY(open_read(file));
  const SealedExperiment experiment = ASSAY_TRY(read_experiment(fd, file, id, output));
  if (!arguments.has("--recipe") && !experiment.run)
    return Error{
        Fault::missing, "experiment " + id + " has no recipe, so there is no trace to replay", file,
        "--recipe NAME (assay recipe list) runs its program anew; that is a new run and reproduces nothing"};
  const ReplayOptions options = ASSAY_TRY(read_replay_options(arguments));
  if (arguments.has("--recipe")) return run_anew(arguments, experiment, options, output);
  return reproduce(arguments, fd, experiment, options, output);
}

}  // namespace

Command replay() {
  Option key = kKey;
  key.repeats = true;
  key.required = false;
  std::vector<Option> options = {
      {.name = "--steps", .value = "N", .text = "no step after the Nth"},
      {.name = "--segment", .value = "I/N", .text = "the Ith of N parts, from a sealed checkpoint"},
      {.name = "--sample", .value = "K", .text = "K segments drawn by --seed; says what that would catch"},
      {.name = "--seed", .value = "S", .text = "for --sample: a number that the author could not know"},
      {.name = "--jobs", .value = "N", .text = "segments at a time, each in a process; 1 if not given"},
      {.name = "--no-bisect", .value = "", .text = "stop at the step of a difference; look for no operator"},
      {.name = "--no-probes", .value = "", .text = "put no questions to the program beside the replay"},
      {.name = "--processes", .value = "N", .text = "divide the leaves of each step between N processes"},
      {.name = "--passes",
       .value = "N",
       .text = "add the leaves of each step up in N parts; the bits are the same"},
      {.name = "--recipe",
       .value = "RECIPE",
       .text = "run the program anew by this one: a new run, never a reproduction"},
      {.name = "--beside",
       .value = "BASELINE",
       .text = "with --recipe: run this baseline under it too, and print both"},
      {.name = "--seeds", .value = "N", .text = "with --beside: N seeds of each; 1 if not given"},
      {.name = "--work",
       .value = "FOLDER",
       .text = "work here, keep it, and go on from it when called again",
       .completes = Completes::folder},
      output_option("FILE",
                    "the result as a document, for assay verify --replay; with --on-divergence live: the "
                    "branch's folder",
                    false),
      key};
  for (const Option& option : replay_options()) options.push_back(option);
  for (const Option& option : replay_search_options()) options.push_back(option);
  for (const Option& option : replay_own_options()) options.push_back(option);
  options.push_back(kForce);
  options.push_back(kJson);
  return {
      .name = "replay",
      .sentence = "Run an experiment again and hold every step against its sealed trace",
      .about =
          "Unpacks program, recipe and the checkpoint to start from, runs them in a sandbox and stops at the "
          "first difference: "
          "step, expected, found. The bits are the same on any device, so a run made on a GPU replays on a "
          "laptop.",
      .positionals =
          {{.name = "FILE", .text = "the bundle"},
           {.name = "EXPERIMENT", .text = "its id", .required = false, .completes = Completes::nothing}},
      .options = std::move(options),
      .examples = {{"assay replay campaign.h5 7", "all of it, on the CPU"},
                   {"assay replay campaign.h5 7 --sample 3 --seed 20261122 --jobs 3",
                    "three segments at once, and what they would catch"},
                   {"assay replay campaign.h5 1735 --recipe small",
                    "an experiment without a recipe: a new run"},
                   {"assay replay search.h5 --search", "a recorded search, offline (assay help searches)"},
                   {"assay replay search.h5 --search --on-divergence live -o branch",
                    "and on with its model server from the first difference, as a record of its own"}},
      .exits = {Exit::not_intact, Exit::replay_differs, Exit::program_failed},
      .run = run,
  };
}

}  // namespace assay::cli::commands
