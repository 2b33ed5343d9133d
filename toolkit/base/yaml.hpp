// Configuration files as the searches write and read them: YAML 1.1 as PyYAML's safe_load takes it, by libyaml, which
// yaml.cpp alone sees. Anchors, tags and several documents are refused, saying so: a small file could stand for a
// huge one.
#pragma once

#include <string_view>

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay {

/// Plain scalars become null, booleans (true, false, yes, no, on, off), integers and reals as PyYAML reads
/// them, else strings. A repeated key is refused. The error says the line.
Result<Json> parse_yaml(std::string_view text);

}  // namespace assay
