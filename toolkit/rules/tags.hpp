// How ASI-Evolve reads a language model's answer: <name>...</name>.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace assay::rules {

/// `<(\w+)>` up to the first literal closing tag of that name, from the left, without overlap; values are
/// stripped of white space, and of two tags of one name the later wins (utils/llm.py, extract_tags, of the
/// released program). Linear in the text's length but for a logarithm. \w is [A-Za-z0-9_] and every byte
/// above 0x7f.
std::map<std::string, std::string> parse_tags(std::string_view text);

/// `text` without ASCII white space at both ends, as Python's str.strip.
std::string_view stripped(std::string_view text);

}  // namespace assay::rules
