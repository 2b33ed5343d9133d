#include "replay/engine/recipes.hpp"
#include "toolkit/base/files.hpp"

namespace assay::replay {

Result<std::string> recipe_text(const std::string& name_or_file, std::optional<RecipeKind> kind) {
  std::string names;
  for (const NamedRecipe& recipe : named_recipes()) {
    const bool fits = !kind || recipe.kind == *kind;
    if (recipe.name == name_or_file && !fits)
      return Error{Fault::usage,
                   recipe.kind == RecipeKind::search ? "this is the recipe of a search"
                                                     : "this is the recipe of a training, not of a search",
                   name_or_file,
                   recipe.kind == RecipeKind::search ? "assay search " + name_or_file + " -o RUN"
                                                     : "assay train " + name_or_file + " -o RUN"};
    if (recipe.name == name_or_file) return std::string(recipe.text);
    if (fits) names += (names.empty() ? "" : ", ") + std::string(recipe.name);
  }
  if (fs::exists(name_or_file)) return read_file(name_or_file, 1u << 20);
  return Error{Fault::missing, "no recipe and no file of this name", name_or_file,
               "the recipes are " + names};
}

}  // namespace assay::replay
