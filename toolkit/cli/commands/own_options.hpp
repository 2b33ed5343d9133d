// What `search` and `replay --search` of such a search share.
#pragma once

#include <string>

#include "replay/own/trainer.hpp"
#include "toolkit/cli/commands/replay_options.hpp"

namespace assay::cli::commands {

/// The recipe that FILE says, with the installed versions where it names none.
Result<formats::SearchRecipe> read_search_recipe(const std::string& file, const ReplayOptions& options);

/// How candidates are trained: what --jobs and the options of `train` say.
Result<own::TrainerSettings> trainer_settings(const Arguments& arguments, const ReplayOptions& options);

}  // namespace assay::cli::commands
