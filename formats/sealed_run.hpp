// A training run as a bundle holds it (docs/formats/run.md): recipe, program and trace as items, checkpoints
// as tensors.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bundle.hpp"
#include "formats/recipe.hpp"
#include "formats/state_root.hpp"
#include "formats/trace.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

struct SealedRun {
  Recipe recipe;
  std::optional<std::string> program;
  Trace trace;
  std::map<std::uint64_t, std::vector<StateLeaf>> checkpoints;  ///< by step

  std::vector<std::uint64_t> checkpoint_steps() const;
};

/// The program of an experiment: the item of that role, else program.py. Fault::missing where the bundle has
/// no such experiment, or not the content.
Result<std::optional<std::string>> sealed_program(const Bundle& bundle, const std::string& id);

/// Nothing where no recipe is sealed. Every part is held against the others, the checkpoints by their
/// tensors' digests alone: Fault::damaged names what does not fit, at which step, what was expected and what
/// was found.
Result<std::optional<SealedRun>> read_sealed_run(const Bundle& bundle, const std::string& id);

/// The bytes of one checkpoint's file, put together again.
Status emit_checkpoint(const Bundle& bundle, const std::string& id, std::uint64_t step,
                       const std::function<Status(std::string_view)>& emit);

}  // namespace assay::formats
