// `assay verify PROOF`: what the text and --json of a proof are made from.
#pragma once

#include <string>

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"
#include "verify/verify.hpp"

namespace assay::cli::commands {

/// {input, result, findings} (docs/formats/commands.schema.json, "proof"). Hostile bytes are parsed: call it
/// in confinement.
Result<Json> proof_document(int fd, const std::string& file, const verify::VerifyInputs& inputs);

}  // namespace assay::cli::commands
