// What makes a literal's surroundings a secret. Program text that only talks about secrets (a placeholder, a
// variable, a call) is none.
#pragma once

#include <optional>
#include <string_view>

#include "archives/secrets.hpp"
#include "archives/secrets_scan.hpp"

namespace assay::archives::secrets {

/// The secret at this literal, if it is one. Looks at no more than 64 KiB after it.
std::optional<Secret> judge(std::string_view content, const Hit& hit);

}  // namespace assay::archives::secrets
