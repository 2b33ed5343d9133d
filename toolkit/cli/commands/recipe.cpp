// `assay recipe`: the recipes that ship.
#include "formats/recipe.hpp"

#include <algorithm>
#include <optional>

#include "formats/search_recipe.hpp"
#include "replay/engine/recipes.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

using formats::SearchRecipe;

// A shipped recipe, or a file's, whatever runner there is: its versions stand for themselves, or are zeros.
Result<formats::Recipe> parsed(std::string_view text) {
  const formats::RecipeVersions none{{}, {}, "any", "any"};
  return formats::Recipe::parse(text, &none);
}

Result<SearchRecipe> parsed_search(std::string_view text) {
  const formats::RecipeVersions none{{}, {}, "any", "any"};
  return SearchRecipe::parse(text, &none);
}

bool is_of_search(const Json& json) { return json["format"].string_or("").starts_with("assay-search/"); }

std::string mixer_text(const formats::Recipe& recipe) {
  return recipe.mixer.program ? "a program" : "baseline " + recipe.mixer.baseline;
}

std::string size_text(const formats::Recipe& recipe) {
  return counted(static_cast<std::uint64_t>(recipe.shell.layers), "layer") +
         ", d = " + std::to_string(recipe.shell.d_model) + ", " + std::to_string(recipe.batch.rows) + " x " +
         std::to_string(recipe.batch.length) + ", " +
         counted(static_cast<std::uint64_t>(recipe.steps), "step");
}

struct Row {
  std::string name, kind, task, mixer, size;
};

Result<Row> row_of(const replay::NamedRecipe& named) {
  if (named.kind == replay::RecipeKind::search) {
    const SearchRecipe search = ASSAY_TRY(parsed_search(named.text));
    return Row{std::string(named.name), "search", search.training.task.name,
               search.proposer.name + ", " + search.sampler.name,
               counted(search.budget.candidates, "candidate") + ", each " + size_text(search.training)};
  }
  const formats::Recipe recipe = ASSAY_TRY(parsed(named.text));
  return Row{std::string(named.name), "training", recipe.task.name, mixer_text(recipe), size_text(recipe)};
}

std::string in_column(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

Result<Exit> run_list(const Arguments&, Output& output) {
  Json list = Json::array();
  std::string text;
  for (const replay::NamedRecipe& named : replay::named_recipes()) {
    const Row row = ASSAY_TRY(row_of(named));
    list.push(Json::object({{"name", row.name},
                            {"kind", row.kind},
                            {"task", row.task},
                            {"mixer", row.mixer},
                            {"size", row.size}}));
    text += in_column(row.name, 17) + in_column(row.kind, 10) + in_column(row.task, 9) +
            in_column(row.mixer, 19) + row.size + "\n";
  }
  if (output.wants_json())
    output.print_json(output.document().set("result", std::move(list)));
  else
    output.print(text);
  return Exit::done;
}

// The digest of a recipe that names its versions; nothing where they are the runner's that is asked.
Result<std::optional<Digest>> check_training(const std::string& text) {
  const formats::Recipe recipe = ASSAY_TRY(parsed(text));
  return formats::Recipe::parse(text).ok() ? std::optional(recipe.digest()) : std::nullopt;
}

Result<std::optional<Digest>> check_search(const std::string& text) {
  const SearchRecipe recipe = ASSAY_TRY(parsed_search(text));
  return SearchRecipe::parse(text).ok() ? std::optional(recipe.digest()) : std::nullopt;
}

Result<Exit> run_show(const Arguments& arguments, Output& output) {
  const std::string name = *arguments.value("RECIPE"),
                    text = ASSAY_TRY(replay::recipe_text(name, std::nullopt));
  auto read = Json::parse(text);
  if (!read) return std::move(read.error()).in(name);
  const Json& json = *read;
  auto checked = is_of_search(json) ? check_search(text) : check_training(text);
  if (!checked) return std::move(checked.error()).in(name);
  const std::optional<Digest>& whole = *checked;
  if (output.wants_json()) {
    Json result = Json::object({{"recipe", json}});
    if (whole) result.set("sha256", whole->hex());
    output.print_json(output.document().set("result", std::move(result)));
    return Exit::done;
  }
  output.print(json.dump_pretty());
  if (whole) output.remark("SHA-256 of its canonical text: " + whole->hex());
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
      .examples = {{"assay recipe list", "name, of what, task, what is trained, size"},
                   {"assay recipe list --json", "the same as a document"}},
      .exits = {},
      .run = run_list,
  };
}

Command recipe_show() {
  return {
      .name = "recipe show",
      .sentence = "Print a recipe, and check it",
      .about =
          "What it prints is a file for assay train, or of a search for assay search; docs/formats/recipe.md "
          "and "
          "docs/formats/search.md say what each field fixes.",
      .positionals = {{.name = "RECIPE", .text = "a name (assay recipe list) or a file"}},
      .options = {kJson},
      .examples = {{"assay recipe show check > mine.json", "a start for one of your own"},
                   {"assay recipe show mine.json", "is it one?"}},
      .exits = {},
      .run = run_show,
  };
}

}  // namespace assay::cli::commands
