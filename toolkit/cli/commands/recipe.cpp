// `assay recipe`: the recipes that ship.
#include "formats/recipe.hpp"

#include "replay/engine/recipes.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

// A shipped recipe, or a file's, whatever runner there is: its versions stand for themselves, or are zeros.
Result<formats::Recipe> parsed(std::string_view text) {
  const formats::RecipeVersions none{{}, {}, "any", "any"};
  return formats::Recipe::parse(text, &none);
}

std::string mixer_text(const formats::Recipe& recipe) {
  return recipe.mixer.program ? "a program" : "baseline " + recipe.mixer.baseline;
}

std::string size_text(const formats::Recipe& recipe) {
  return counted(static_cast<std::uint64_t>(recipe.shell.layers), "layer") +
         ", d = " + std::to_string(recipe.shell.d_model) + ", " + std::to_string(recipe.batch.rows) + " x " +
         std::to_string(recipe.batch.length) + ", " +
         counted(static_cast<std::uint64_t>(recipe.steps), "step");
}

Result<Exit> run_list(const Arguments&, Output& output) {
  Json list = Json::array();
  std::string text;
  for (const replay::NamedRecipe& named : replay::named_recipes()) {
    const formats::Recipe recipe = ASSAY_TRY(parsed(named.text));
    list.push(Json::object({{"name", named.name},
                            {"task", recipe.task.name},
                            {"mixer", mixer_text(recipe)},
                            {"size", size_text(recipe)}}));
    std::string name(named.name), task = recipe.task.name, mixer = mixer_text(recipe);
    name.resize(std::max<std::size_t>(13, name.size() + 1), ' ');
    task.resize(std::max<std::size_t>(9, task.size() + 1), ' ');
    mixer.resize(std::max<std::size_t>(19, mixer.size() + 1), ' ');
    text += name + task + mixer + size_text(recipe) + "\n";
  }
  if (output.wants_json())
    output.print_json(output.document().set("result", std::move(list)));
  else
    output.print(text);
  return Exit::done;
}

Result<Exit> run_show(const Arguments& arguments, Output& output) {
  const std::string text = ASSAY_TRY(replay::recipe_text(*arguments.value("RECIPE")));
  const auto recipe = parsed(text);
  if (!recipe) {
    Error error = recipe.error();
    return std::move(error).in(*arguments.value("RECIPE"));
  }
  const Json json = ASSAY_TRY(Json::parse(text));
  const bool whole = formats::Recipe::from_json(json).ok();
  if (output.wants_json()) {
    Json result = Json::object({{"recipe", json}});
    if (whole) result.set("sha256", recipe->digest().hex());
    output.print_json(output.document().set("result", std::move(result)));
    return Exit::done;
  }
  output.print(json.dump_pretty());
  if (whole) output.remark("SHA-256 of its canonical text: " + recipe->digest().hex());
  return Exit::done;
}

}  // namespace

Command recipe_list() {
  return {
      .name = "recipe list",
      .sentence = "List the recipes that ship",
      .about = "",
      .positionals = {},
      .options = {kJson},
      .examples = {{"assay recipe list", "name, task, what is trained, size"},
                   {"assay recipe list --json", "the same as a document"}},
      .exits = {},
      .run = run_list,
  };
}

Command recipe_show() {
  return {
      .name = "recipe show",
      .sentence = "Print a recipe, and check it",
      .about = "What it prints is a file for assay train; docs/formats/recipe.md says what each field fixes.",
      .positionals = {{.name = "RECIPE", .text = "a name (assay recipe list) or a file"}},
      .options = {kJson},
      .examples = {{"assay recipe show check > mine.json", "a start for one of your own"},
                   {"assay recipe show mine.json", "is it one?"}},
      .exits = {},
      .run = run_show,
  };
}

}  // namespace assay::cli::commands
