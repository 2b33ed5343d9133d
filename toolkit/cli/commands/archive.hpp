// What `archive check DIR` and `verify DIR` share.
#pragma once

#include <string>

#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/output.hpp"

namespace assay::cli::commands {

Result<Exit> check_archive(const std::string& folder, const Arguments& arguments, Output& output);

}  // namespace assay::cli::commands
