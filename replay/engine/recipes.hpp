// The recipes that ship: replay/recipes/*.json, and of searches replay/recipes/search/*.json, compiled in.
// They name no versions; those of the installed runner are put in.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "formats/recipe.hpp"

namespace assay::replay {

enum class RecipeKind { training, search };

struct NamedRecipe {
  std::string_view name;
  RecipeKind kind;
  std::string_view text;
};
std::span<const NamedRecipe> named_recipes();

/// The text of a shipped recipe, or of a file. Fault::missing where there is neither; the error lists the
/// names. Fault::usage for a name of another kind. Without a kind: of any.
Result<std::string> recipe_text(const std::string& name_or_file, std::optional<RecipeKind> kind);

}  // namespace assay::replay
