#include "replay/engine/recipes.hpp"
#include "toolkit/base/files.hpp"

namespace assay::replay {

Result<std::string> recipe_text(const std::string& name_or_file) {
  std::string names;
  for (const NamedRecipe& recipe : named_recipes()) {
    if (recipe.name == name_or_file) return std::string(recipe.text);
    names += (names.empty() ? "" : ", ") + std::string(recipe.name);
  }
  if (fs::exists(name_or_file)) return read_file(name_or_file, 1u << 20);
  return Error{Fault::missing, "no recipe and no file of this name", name_or_file,
               "the recipes are " + names};
}

}  // namespace assay::replay
