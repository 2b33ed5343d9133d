// Agent steps as `audit` gives them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verify/query/records.hpp"

namespace assay::verify {

/// The steps of one experiment: by `order` where they have one, else as they stand.
std::vector<const StepLine*> steps_of(const std::vector<StepLine>& steps, std::string_view experiment);

/// {"id", "line", "line_sha256", "agent"?, ..., "writes", "parents", "knowledge", "prompt": {"on_record",
/// "where", ...}}.
Json describe_step(const formats::ItemSource& items, const StepLine& line,
                   const std::map<std::string, Json>& knowledge);

/// Everything that was said in a step, as far as it is on record: inline messages and response, and the
/// transcript item. Nothing where none of it is.
Result<std::optional<std::string>> words_of(const formats::ItemSource& items, const StepLine& line);

}  // namespace assay::verify
