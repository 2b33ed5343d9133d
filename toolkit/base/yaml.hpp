// Configuration files as the searches write and read them: the part of YAML 1.1 that PyYAML's safe_dump
// writes and people type. Block and one-line flow mappings and sequences, plain and quoted scalars, literal
// and folded blocks, comments. Anchors, tags, several documents and flow collections over several lines are
// refused, saying so.
#pragma once

#include <string_view>

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay {

/// Plain scalars become null, booleans (true, false, yes, no, on, off), integers and reals as PyYAML reads
/// them, else strings. A repeated key is refused. The error says the line.
Result<Json> parse_yaml(std::string_view text);

}  // namespace assay
