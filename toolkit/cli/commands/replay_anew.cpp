#include "toolkit/cli/commands/replay_anew.hpp"

#include <fmt/format.h>

#include "formats/run.hpp"
#include "replay/engine/probes.hpp"
#include "replay/engine/train.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/replay_output.hpp"
#include "toolkit/cli/commands/replay_work.hpp"

namespace assay::cli::commands {

namespace {

// One of the runs: of the program or of the baseline, by one seed.
struct Outcome {
  std::int64_t seed = 0;
  std::string name;
  replay::TrainOutcome run;
};

Result<formats::Recipe> program_recipe(const Arguments& arguments, const SealedExperiment& experiment,
                                       const ReplayOptions& options) {
  formats::Recipe recipe = ASSAY_TRY(read_recipe(*arguments.value("--recipe"), options));
  if (!recipe.mixer.program)
    return Error{Fault::usage, "the recipe runs a baseline, not the experiment's program",
                 "recipe \"" + recipe.name + "\"", "assay train " + recipe.name + " -o RUN runs it alone"};
  if (!experiment.program)
    return Error{Fault::missing, "the experiment has no program", *arguments.value("EXPERIMENT"), ""};
  return recipe;
}

// Further seeds follow the recipe's own, in the initial weights and in the data.
formats::Recipe with_seed(formats::Recipe recipe, std::int64_t number) {
  recipe.seed += number;
  recipe.task.seed += number;
  return recipe;
}

formats::Recipe of_baseline(formats::Recipe recipe, const std::string& baseline) {
  recipe.mixer = {false, {}, baseline, Json::object()};
  return recipe;
}

class Trainer {
 public:
  Trainer(const SealedExperiment& experiment, const ReplayOptions& options, fs::path work, Output& output)
      : experiment_(experiment), options_(options), work_(std::move(work)), output_(output) {}

  Result<Outcome> train(const formats::Recipe& recipe, const std::string& folder) {
    replay::TrainRequest request;
    request.recipe = recipe;
    if (recipe.mixer.program) request.program = experiment_.program;
    set_runner(request, options_, output_);
    request.run = work_ / folder;
    return Outcome{recipe.seed, recipe.mixer.program ? "the program" : recipe.mixer.baseline,
                   ASSAY_TRY(replay::train(request))};
  }

 private:
  const SealedExperiment& experiment_;
  const ReplayOptions& options_;
  fs::path work_;
  Output& output_;
};

Json metrics_json(const Outcome& outcome) {
  return outcome.run.evaluations.empty() ? Json::object() : outcome.run.evaluations.back().metrics;
}

Json beside_json(const std::vector<Outcome>& outcomes) {
  Json list = Json::array();
  for (const Outcome& one : outcomes)
    list.push(Json::object({{"seed", one.seed},
                            {"of", one.name},
                            {"loss", static_cast<double>(one.run.loss)},
                            {"metrics", metrics_json(one)},
                            {"chain", one.run.result.chain.hex()}}));
  return list;
}

std::string beside_text(const std::vector<Outcome>& outcomes) {
  std::string text = "beside    by seed: last loss of training, then the last evaluation\n";
  for (const Outcome& one : outcomes) {
    text += fmt::format("  {:>6}  {:<16}  {:<11.6g}", one.seed, shown(one.name), one.run.loss);
    const Json metrics = metrics_json(one);
    for (const Json::Member& metric : metrics.members())
      text += fmt::format("  {} {:.6g}", shown(metric.key), metric.value.number().value_or(0));
    text += "\n";
  }
  return text;
}

formats::ReplayResult result_of(const Arguments& arguments, const SealedExperiment& experiment,
                                const ReplayOptions& options, const replay::TrainOutcome& run) {
  formats::ReplayResult result;
  result.bundle = experiment.bundle;
  result.experiment = *arguments.value("EXPERIMENT");
  result.recipe = run.result.recipe;
  result.program = run.result.program;
  result.new_run = true;
  result.steps = run.result.steps;
  result.chain = run.result.chain;
  result.segments = {{0, run.result.steps}};
  result.strict = options.place.strict;
  result.environment = environment_json(options, run.confinement, Json::object(), run.seconds);
  return result;
}

/// Of the program, in the state after the new run's last step.
Result<std::vector<formats::ReplayProbe>> probes_of(const SealedExperiment& experiment,
                                                    const formats::Recipe& recipe,
                                                    const ReplayOptions& options, const fs::path& work,
                                                    const replay::TrainOutcome& run, Output& output) {
  replay::SealedRun model;
  model.recipe = recipe;
  model.program = experiment.program;
  replay::ReplayRequest request;
  request.run = &model;
  set_runner(request, options, output);
  request.work = work;
  const fs::path checkpoint =
      work / "run" / formats::kCheckpointsFolder / formats::checkpoint_file(run.result.steps);
  return replay::ask_probes(request, replay::Job::From{checkpoint, {run.result.steps, run.result.chain}},
                            experiment.parameters, false);
}

Status refuse_options(const Arguments& arguments) {
  for (const char* option :
       {"--segment", "--sample", "--steps", "--jobs", "--no-bisect", "--processes", "--passes"})
    if (arguments.has(option))
      return Error{Fault::usage, std::string(option) + " is for a sealed trace, and --recipe makes a new run",
                   "", ""};
  if (arguments.has("--seeds") && !arguments.has("--beside"))
    return Error{Fault::usage, "--seeds without --beside BASELINE", "", ""};
  return {};
}

}  // namespace

Result<Exit> run_anew(const Arguments& arguments, const SealedExperiment& experiment,
                      const ReplayOptions& options, Output& output) {
  ASSAY_TRY(refuse_options(arguments));
  const formats::Recipe recipe = ASSAY_TRY(program_recipe(arguments, experiment, options));
  const auto seeds = ASSAY_TRY(number_option(arguments, "--seeds", 1));
  const auto baseline = arguments.value("--beside");
  const std::string key = recipe.digest().hex() + sha256(*experiment.program).hex() + baseline.value_or("");
  const WorkFolder work = ASSAY_TRY(WorkFolder::make(arguments.value("--work"), key));
  Trainer trainer(experiment, options, work.path(), output);
  std::vector<Outcome> outcomes = {ASSAY_TRY(trainer.train(recipe, "run"))};
  for (std::int64_t i = 0;
       baseline && i < static_cast<std::int64_t>(std::min<std::uint64_t>(1000, seeds.value_or(1))); ++i) {
    const formats::Recipe seeded = with_seed(recipe, i);
    const std::string number = std::to_string(seeded.seed);
    if (i > 0) outcomes.push_back(ASSAY_TRY(trainer.train(seeded, "run-" + number)));
    outcomes.push_back(ASSAY_TRY(trainer.train(of_baseline(seeded, *baseline), "baseline-" + number)));
  }
  formats::ReplayResult result = result_of(arguments, experiment, options, outcomes[0].run);
  if (!arguments.has("--no-probes"))
    result.probes = ASSAY_TRY(probes_of(experiment, recipe, options, work.path(), outcomes[0].run, output));
  ASSAY_TRY(write_result(arguments, result));
  if (output.wants_json()) {
    Json more = Json::object();
    if (baseline) more.set("beside", beside_json(outcomes));
    return print_result(arguments, result, outcomes[0].run.seconds, 0, output, more);
  }
  output.print("new run   of experiment " + shown(result.experiment) + " under the recipe \"" +
               shown(recipe.name) + "\": it reproduces nothing\nchain     " + result.chain.hex() +
               "\nholds     " + counted(result.steps, "step") +
               fmt::format(", last loss {:.6g}\n", outcomes[0].run.loss));
  if (baseline) output.print(beside_text(outcomes));
  output.print(probes_text(result));
  if (arguments.has("--work"))
    output.print("run       " + shown((work.path() / "run").string()) +
                 "  (assay seal --from run seals it)\n");
  return Exit::done;
}

}  // namespace assay::cli::commands
