// Agent steps as `audit` gives them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/links.hpp"
#include "verify/query/records.hpp"

namespace assay::verify {

/// The steps of one experiment: by `order` where they have one, else as they stand.
std::vector<const StepLine*> steps_of(const std::vector<StepLine>& steps, std::string_view experiment);

/// {"id", "line", "line_sha256", "agent"?, ..., "writes", "parents", "knowledge", "prompt": {"on_record",
/// "where", ...}}.
Json describe_step(const formats::ItemSource& items, const StepLine& line,
                   const std::map<std::string, Json>& knowledge);

/// links.json, where the bundle holds a record of its exchanges; nothing without one.
Result<std::optional<formats::Links>> read_exchange_links(const formats::ItemSource& items);
/// The exchanges that a step made: [{"exchange", "by", "among"?, "transcript"?}].
Json exchanges_json(const formats::ItemSource& items, const formats::Links& links, std::string_view step);
/// Who was made from an experiment, by steps that read it: [{"id", "step", "on_record", ...}], in the order
/// of steps.jsonl.
Json selected_json(const formats::ItemSource& items, const std::vector<StepLine>& steps,
                   std::string_view experiment);

/// Everything that was said in a step, as far as it is on record: inline messages and response, and the
/// transcript item. Nothing where none of it is.
Result<std::optional<std::string>> words_of(const formats::ItemSource& items, const StepLine& line);

}  // namespace assay::verify
