// The agent steps of a search of assay's own, as a bundle has them: they follow from its journal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/search_run.hpp"

namespace assay::formats {

/// Candidates as the bundle's experiments are called: ["0", "3"].
Json candidate_ids(const std::vector<std::uint64_t>& candidates);
/// The text of steps.jsonl: a line a decision.
std::string search_steps(const SearchRecord& record);

}  // namespace assay::formats
