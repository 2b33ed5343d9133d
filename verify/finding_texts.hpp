// What each code of a finding means, why it matters and what would settle it: for the reports, and for
// docs/findings.md, which a test holds equal to findings_page().
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace assay::verify {

struct FindingText {
  const char* code;
  const char* meaning;  ///< what was found
  const char* matters;  ///< why it matters
  const char* settles;  ///< what would settle it
};
std::span<const FindingText> finding_texts();                 ///< by code
const FindingText* find_finding_text(std::string_view code);  ///< nullptr: not one of ours
std::string findings_page();                                  ///< docs/findings.md

}  // namespace assay::verify
