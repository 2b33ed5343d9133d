// Findings as text, and what they mean for the exit status.
#pragma once

#include <string>

#include "toolkit/base/json.hpp"
#include "toolkit/cli/output.hpp"

namespace assay::cli::commands {

struct FindingCounts {
  std::size_t errors = 0, warnings = 0, notes = 0;
  std::string text() const;  ///< "7 findings: 2 errors, 4 warnings, 1 note"
};
/// Of the findings in this array that are of `level`; of all with an empty one.
FindingCounts count_findings(const Json& findings, std::string_view level = {});

/// "    error    C104  17: TEXT" and a line each of what was expected and found. At most `limit` findings,
/// errors first.
std::string findings_text(const Json& findings, std::string_view level, const Style& style,
                          std::size_t limit = 20);

}  // namespace assay::cli::commands
