// `assay replay FILE --search` where FILE holds a search of assay's own: every decision again, and candidates
// trained again.
#pragma once

#include <vector>

#include "toolkit/cli/command.hpp"

namespace assay::cli::commands {

/// --from, and the options that mean something else here.
std::vector<Option> replay_own_options();

/// Whether FILE, a bundle or a folder, holds such a search.
Result<bool> holds_own_search(const Arguments& arguments, Output& output);
Result<Exit> replay_own(const Arguments& arguments, Output& output);

}  // namespace assay::cli::commands
