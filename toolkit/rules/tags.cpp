#include "toolkit/rules/tags.hpp"

#include <algorithm>
#include <vector>

namespace assay::rules {

namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// The name between `at` and the next '>', empty if that is no tag.
std::string_view name_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_word(text[end])) ++end;
  return end > at && end < text.size() && text[end] == '>' ? text.substr(at, end - at) : std::string_view();
}

using Positions = std::map<std::string_view, std::vector<std::size_t>>;

/// Where each closing tag starts, so that a tag without one costs no second reading of the text.
Positions closing_tags(std::string_view text) {
  Positions out;
  for (std::size_t at = text.find("</"); at != text.npos; at = text.find("</", at + 2))
    if (const auto name = name_at(text, at + 2); !name.empty()) out[name].push_back(at);
  return out;
}

}  // namespace

std::string_view stripped(std::string_view text) {
  constexpr std::string_view kSpace(" \t\n\r\v\f\x1c\x1d\x1e\x1f");
  const auto first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::map<std::string, std::string> parse_tags(std::string_view text) {
  const Positions closing = closing_tags(text);
  std::map<std::string, std::string> out;
  for (std::size_t at = text.find('<'); at != text.npos; at = text.find('<', at)) {
    const std::string_view name = name_at(text, at + 1);
    const auto ends = closing.find(name);
    const std::size_t begin = at + name.size() + 2;
    ++at;
    if (name.empty() || ends == closing.end()) continue;
    const auto end = std::lower_bound(ends->second.begin(), ends->second.end(), begin);
    if (end == ends->second.end()) continue;
    out[std::string(name)] = stripped(text.substr(begin, *end - begin));
    at = *end + name.size() + 3;
  }
  return out;
}

}  // namespace assay::rules
