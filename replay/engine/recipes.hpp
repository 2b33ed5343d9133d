// The recipes that ship: replay/recipes/*.json, compiled in. They name no versions; those of the installed
// runner are put in.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "formats/recipe.hpp"

namespace assay::replay {

struct NamedRecipe {
  std::string_view name, text;
};
std::span<const NamedRecipe> named_recipes();

/// The text of a shipped recipe, or of a file. Fault::missing where there is neither; the error lists the
/// names.
Result<std::string> recipe_text(const std::string& name_or_file);

}  // namespace assay::replay
