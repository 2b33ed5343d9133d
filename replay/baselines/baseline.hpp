// Native baselines: a mixer in C++, one file and one row each.
#pragma once

#include <span>

#include "formats/recipe.hpp"
#include "replay/model/mixer.hpp"

namespace assay::replay {

struct BaselineRow {
  const char* name;
  /// Reads `options` (an error names the option), draws its weights from the default generator.
  Result<std::unique_ptr<Mixer>> (*make)(const formats::Recipe& recipe, std::int64_t layer);
};
std::span<const BaselineRow> baseline_table();

/// Throws Failure(recipe).
MixerFactory baseline(const formats::Recipe& recipe);

Result<std::unique_ptr<Mixer>> make_deltanet(const formats::Recipe& recipe, std::int64_t layer);
Result<std::unique_ptr<Mixer>> make_gated_deltanet(const formats::Recipe& recipe, std::int64_t layer);

}  // namespace assay::replay
