#include "replay/baselines/baseline.hpp"

#include "replay/runner/failure.hpp"

namespace assay::replay {

namespace {
constexpr BaselineRow kBaselines[] = {{"deltanet", make_deltanet}, {"gated_deltanet", make_gated_deltanet}};
}

std::span<const BaselineRow> baseline_table() { return kBaselines; }

MixerFactory baseline(const formats::Recipe& recipe) {
  std::string names;
  for (const BaselineRow& row : kBaselines) {
    if (recipe.mixer.baseline == row.name)
      return
          [&row, recipe](std::int64_t layer) { return must(row.make(recipe, layer), FailureKind::recipe); };
    names += (names.empty() ? "" : " or ") + std::string(row.name);
  }
  throw Failure(FailureKind::recipe, "mixer.name: expected " + names + ", found " + recipe.mixer.baseline);
}

}  // namespace assay::replay
