// `assay audit`: which agent step wrote what, from what, in which order; and what followed from a step, a
// prompt or a piece of knowledge. What is not on record is said.
#pragma once

#include <string>
#include <string_view>

#include "formats/bundle.hpp"
#include "toolkit/base/json.hpp"

namespace assay::verify {

/// {"assay": "audit", "version": 1, "experiment", "record", "fields", "steps", "parents", "ancestors",
/// "missing"}. Schema: docs/formats/audit.schema.json.
Result<Json> audit_experiment(const formats::ItemSource& items, std::string_view id);

/// `from`: step:ID, prompt:TEXT-OR-ITEM, knowledge:ID or experiment:ID.
/// {"assay": "audit", "version": 1, "from", "steps", "direct", "descendants", "missing"}.
Result<Json> audit_from(const formats::ItemSource& items, std::string_view from);

std::string audit_text(const Json& document);  ///< of either

}  // namespace assay::verify
