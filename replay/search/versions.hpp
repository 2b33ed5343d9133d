// What a program was run with: its interpreter and the packages installed there.
#pragma once

#include <string>
#include <vector>

#include "replay/search/child.hpp"
#include "toolkit/base/json.hpp"

namespace assay::search {

/// {"machine", "kernel", "python"?, "packages"?: {name: version}}. The interpreter is the command itself, or
/// the one that the first line of a script names; without one there are no packages.
Json program_versions(const std::vector<std::string>& command, const Environment& environment,
                      const std::string& folder);

/// "numpy: recorded 1.26.4, here 2.0.1", one a line.
std::vector<std::string> version_differences(const Json& recorded, const Json& here);

}  // namespace assay::search
