#include "toolkit/cli/commands/own_options.hpp"

#include <algorithm>

#include "replay/engine/recipes.hpp"
#include "toolkit/base/parallel.hpp"

namespace assay::cli::commands {

Result<formats::SearchRecipe> read_search_recipe(const std::string& file, const ReplayOptions& options) {
  const std::string text = ASSAY_TRY(replay::recipe_text(file, replay::RecipeKind::search));
  auto recipe = formats::SearchRecipe::parse(text, &options.facts.versions);
  if (!recipe) return std::move(recipe.error()).in(file);
  formats::Recipe& training = recipe->training;
  if (training.task.files.empty())
    for (const auto& [name, path] : options.data)
      training.task.files[name] = ASSAY_TRY(replay::hash_file(path));
  ASSAY_TRY(replay::check_versions(training, options.facts.versions));
  ASSAY_TRY(replay::check_data(training, options.data));
  return formats::SearchRecipe::parse(recipe->canonical());
}

Result<own::TrainerSettings> trainer_settings(const Arguments& arguments, const ReplayOptions& options) {
  own::TrainerSettings settings;
  settings.data = options.data;
  settings.runner = options.runner;
  settings.reads = options.facts.reads;
  settings.place = options.place;
  settings.place.strict = true;
  settings.limits = options.limits;
  settings.tier = options.tier;
  const auto jobs = ASSAY_TRY(number_option(arguments, "--jobs", 1));
  settings.jobs = static_cast<unsigned>(std::min<std::uint64_t>(1024, jobs.value_or(1)));
  if (settings.place.threads == 0) settings.place.threads = std::max(1U, usable_cores() / settings.jobs);
  return settings;
}

}  // namespace assay::cli::commands
