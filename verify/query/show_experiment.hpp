// One experiment as `assay show` gives it.
#pragma once

#include <string_view>

#include "formats/bundle.hpp"
#include "toolkit/base/json.hpp"

namespace assay::verify {

/// {"assay": "show", "version": 1, "what": "experiment", "record", "parents", "metrics", "files", "steps",
/// "absent"}. Reads the record, its parents' records, its numbers and steps.jsonl.
Result<Json> show_experiment(const formats::ItemSource& items, std::string_view id);

/// {"id", "on_record", "name"?, "score"?, "status"?, "record"?}: an experiment that another one names.
Json mention_experiment(const formats::ItemSource& items, std::string_view id);

}  // namespace assay::verify
