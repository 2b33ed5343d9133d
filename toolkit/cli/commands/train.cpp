// `assay train`: one run of a recipe and a program, or more of one that was stopped.
#include "replay/engine/train.hpp"

#include <fmt/format.h>

#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/replay_options.hpp"

namespace assay::cli::commands {

namespace {

constexpr std::uint64_t kMaxProgram = 16u << 20;

Result<std::optional<std::string>> read_program(const Arguments& arguments, const formats::Recipe& recipe) {
  const auto file = arguments.value("--program");
  if (!recipe.mixer.program) {
    if (!file) return std::optional<std::string>();
    return Error{Fault::usage,
                 "the recipe runs the baseline " + recipe.mixer.baseline + ", and a program is given", *file,
                 "leave --program out, or take a recipe for programs (assay recipe list)"};
  }
  if (!file)
    return Error{Fault::usage, "the recipe runs a program, and none is given",
                 "recipe \"" + recipe.name + "\"", "--program FILE"};
  return std::optional(ASSAY_TRY(read_file(*file, kMaxProgram)));
}

Json evaluations_json(const std::vector<formats::Evaluation>& evaluations) {
  Json list = Json::array();
  for (const formats::Evaluation& one : evaluations)
    list.push(Json::object({{"step", one.step}, {"metrics", one.metrics}}));
  return list;
}

Json outcome_json(const replay::TrainOutcome& outcome, const std::string& run) {
  const formats::RunResult& result = outcome.result;
  Json json = Json::object({{"run", run},
                            {"steps", result.steps},
                            {"chain", result.chain.hex()},
                            {"root", result.root.hex()},
                            {"recipe", result.recipe.hex()},
                            {"data", result.data.hex()},
                            {"parameters", result.parameters},
                            {"loss", static_cast<double>(outcome.loss)},
                            {"evaluations", evaluations_json(outcome.evaluations)},
                            {"was_done", outcome.was_done}});
  if (result.program) json.set("program", result.program->hex());
  if (outcome.resumed) json.set("resumed", *outcome.resumed);
  if (!outcome.was_done) json.set("seconds", outcome.seconds).set("sandbox", outcome.confinement);
  return json;
}

std::string metrics_text(const formats::Evaluation& evaluation) {
  std::vector<std::string> parts;
  for (const Json::Member& metric : evaluation.metrics.members())
    parts.push_back(shown(metric.key) + " " + shown(metric.value.dump()));
  return "step " + with_separators(evaluation.step) + ": " + join(parts, ", ");
}

std::string outcome_text(const replay::TrainOutcome& outcome, const std::string& run) {
  const formats::RunResult& result = outcome.result;
  std::string text = (outcome.was_done ? "was done  " : "trained   ") + shown(run) + "\n";
  text += "chain     " + result.chain.hex() + "\n";
  text += "state     " + result.root.hex() + "\n";
  text += "holds     " + counted(result.steps, "step") + ", " + counted(result.parameters, "parameter") +
          fmt::format(", last loss {:.6g}\n", outcome.loss);
  if (outcome.resumed) text += "resumed   after step " + with_separators(*outcome.resumed) + "\n";
  if (!outcome.evaluations.empty()) text += "evaluated " + metrics_text(outcome.evaluations.back()) + "\n";
  if (!outcome.was_done)
    text += "took      " + human_duration(outcome.seconds) + ", confined by " + outcome.confinement + "\n";
  return text;
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const ReplayOptions options = ASSAY_TRY(read_replay_options(arguments));
  replay::TrainRequest request;
  request.recipe = ASSAY_TRY(read_recipe(*arguments.value("RECIPE"), options));
  request.program = ASSAY_TRY(read_program(arguments, request.recipe));
  set_runner(request, options, output);
  request.run = *arguments.value("--output");
  const replay::TrainOutcome outcome = ASSAY_TRY(replay::train(request));
  for (const std::string& remark : outcome.remarks) output.remark("note: " + shown(remark));
  if (output.wants_json())
    output.print_json(output.document().set("result", outcome_json(outcome, request.run.string())));
  else
    output.print(outcome_text(outcome, request.run.string()));
  return Exit::done;
}

}  // namespace

Command train() {
  std::vector<Option> options = {
      output_option("RUN", "the run's folder; one that was stopped goes on", true, Completes::folder),
      {.name = "--program",
       .value = "FILE",
       .text = "the candidate's source; a recipe of a baseline needs none",
       .completes = Completes::file}};
  for (const Option& option : replay_options()) options.push_back(option);
  options.push_back(kJson);
  return {
      .name = "train",
      .sentence = "Train a program or a baseline by a recipe, in a sandbox, and keep its trace",
      .about =
          "The same recipe, program and data leave the same trace on any device. A run that was stopped, by "
          "whatever "
          "means, goes on from its last checkpoint with the same bits when the command is given again.",
      .positionals = {{.name = "RECIPE",
                       .text = "a name (assay recipe list) or a file (docs/formats/recipe.md)"}},
      .options = std::move(options),
      .examples = {{"assay train check --program design.py -o run", "20 steps of a small model"},
                   {"assay train mqar-small -o run --threads 2",
                    "the baseline DeltaNet on recall, two cores"}},
      .exits = {Exit::not_intact, Exit::program_failed},
      .run = run,
  };
}

}  // namespace assay::cli::commands
