// What verify and report take from outside the bundle: trust, detached signatures, a timestamp.
#pragma once

#include <string>
#include <vector>

#include "toolkit/cli/arguments.hpp"
#include "verify/verify.hpp"

namespace assay::cli::commands {

std::vector<Option> verify_options();
/// Reads all of it. A timestamp is also looked for in FILE.tsr.
Result<verify::VerifyInputs> read_verify_inputs(const std::string& file, const Arguments& arguments);

}  // namespace assay::cli::commands
