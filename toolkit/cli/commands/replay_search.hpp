// `assay replay FILE --search`: the branch of `replay` that reruns a whole search from its record.
#pragma once

#include <vector>

#include "toolkit/cli/command.hpp"

namespace assay::cli::commands {

/// --search, and what goes with it.
std::vector<Option> replay_search_options();
/// FILE: a bundle that `assay seal --from record` made, or a record's own folder.
Result<Exit> replay_search(const Arguments& arguments, Output& output);

}  // namespace assay::cli::commands
