// The verdict as text: five lines, always all of them and in this order, findings under the line they belong
// to.
#pragma once

#include <string>

#include "toolkit/base/json.hpp"
#include "toolkit/cli/output.hpp"

namespace assay::cli::commands {

std::string verify_text(const Json& document, const Style& style);
std::string proof_verdict_text(const Json& document, const Style& style);
/// What `result` says under "proves" and "does_not_prove".
std::string meaning_text(const Json& result);

}  // namespace assay::cli::commands
