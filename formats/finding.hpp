// One result of one check or probe. The same findings feed the text, --json and the reports.
#pragma once

#include <string>
#include <vector>

#include "toolkit/base/json.hpp"

namespace assay::formats {

enum class Severity { note, warning, error };

/// The five lines of a verdict, in this order (docs/concepts.md).
enum class Level { intact, complete, consistent, reproduced, replicated };

struct Finding {
  std::string code;  ///< stable, documented in docs/findings.md, never reused: "C104"
  Level level = Level::intact;
  Severity severity = Severity::error;
  std::string subject;   ///< experiment id, item name, claim id, or area of the file; may be empty
  std::string expected;  ///< may be empty
  std::string found;     ///< may be empty
  std::string text;      ///< one sentence
  Json data;             ///< numbers behind it, for --json; may be null
};

const char* name_of(Severity severity);  ///< "note", "warning", "error"
const char* name_of(Level level);        ///< "intact", ...
Json to_json(const Finding& finding);
Result<Finding> finding_from_json(const Json& json);

}  // namespace assay::formats
