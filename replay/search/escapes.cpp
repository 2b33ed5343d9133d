#include "replay/search/escapes.hpp"

#include <cstdint>
#include <optional>

namespace assay::search {

namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// Exactly `count` hexadecimal digits at `at`.
std::optional<std::uint32_t> hex_at(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int digit = digit_of(text[at + i]);
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  return value;
}

std::string utf8(std::uint32_t point) {
  const auto low = [&](int shift) { return static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xc0 | point >> 6), low(0)};
  if (point < 0x10000) return {static_cast<char>(0xe0 | point >> 12), low(6), low(0)};
  return {static_cast<char>(0xf0 | (point >> 18 & 7)), low(12), low(6), low(0)};
}

struct Escape {
  std::string bytes;
  std::size_t length = 0;  // in the text; 0: there is none
};

Escape unicode_escape(std::string_view text) {
  const auto first = hex_at(text, 2, 4);
  if (!first) return {};
  if (*first < 0xd800 || *first >= 0xdc00) return {utf8(*first), 6};
  const auto second = text.substr(6).starts_with("\\u") ? hex_at(text, 8, 4) : std::nullopt;
  if (!second || *second < 0xdc00 || *second >= 0xe000) return {utf8(*first), 6};
  return {utf8(0x10000 + ((*first - 0xd800) << 10) + (*second - 0xdc00)), 12};
}

Escape backslash_escape(std::string_view text) {
  if (text.size() < 2) return {};
  constexpr std::string_view kNames = "ntrbf", kControls = "\n\t\r\b\f", kThemselves = "/\\\"'`";
  const char c = text[1];
  if (c == 'u') return unicode_escape(text);
  if (c == 'x') {
    const auto byte = hex_at(text, 2, 2);
    return byte ? Escape{std::string(1, static_cast<char>(*byte)), 4} : Escape{};
  }
  if (const auto at = kNames.find(c); at != kNames.npos) return {std::string(1, kControls[at]), 2};
  return kThemselves.find(c) != kThemselves.npos ? Escape{std::string(1, c), 2} : Escape{};
}

Escape html_escape(std::string_view text) {
  constexpr std::pair<std::string_view, char> kNames[] = {
      {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&lt;", '<'}, {"&gt;", '>'}};
  for (const auto& [name, c] : kNames)
    if (text.starts_with(name)) return {std::string(1, c), name.size()};
  if (!text.starts_with("&#")) return {};
  const bool hex = text.size() > 2 && (text[2] | 0x20) == 'x';
  std::uint32_t point = 0;
  std::size_t at = hex ? 3 : 2;
  const std::size_t start = at;
  for (; at < text.size() && at < start + 6; ++at) {
    const int digit = digit_of(text[at]);
    if (digit < 0 || (!hex && digit > 9)) break;
    point = point * (hex ? 16 : 10) + static_cast<std::uint32_t>(digit);
  }
  if (at == start || at >= text.size() || text[at] != ';') return {};
  return {utf8(point), at + 1};
}

Escape percent_escape(std::string_view text) {
  const auto byte = hex_at(text, 1, 2);
  return byte ? Escape{std::string(1, static_cast<char>(*byte)), 3} : Escape{};
}

Escape escape_at(std::string_view text) {
  switch (text[0]) {
    case '%':
      return percent_escape(text);
    case '\\':
      return backslash_escape(text);
    case '&':
      return html_escape(text);
    default:
      return {};
  }
}

}  // namespace

std::string percent_decoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Escape escape = text[0] == '%' ? percent_escape(text) : Escape{};
    out += escape.length ? escape.bytes : std::string(1, text[0]);
    text.remove_prefix(escape.length ? escape.length : 1);
  }
  return out;
}

Unescaped Unescaped::plain(std::string_view text) {
  Unescaped out{std::string(text), {}};
  out.spans.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) out.spans.push_back({i, i + 1});
  return out;
}

Unescaped Unescaped::unescaped() const {
  Unescaped out;
  for (std::size_t at = 0; at < text.size();) {
    const Escape escape = escape_at(std::string_view(text).substr(at));
    const std::size_t length = escape.length ? escape.length : 1;
    out.text += escape.length ? escape.bytes : std::string(1, text[at]);
    out.spans.resize(out.text.size(), {spans[at].begin, spans[at + length - 1].end});
    at += length;
  }
  return out;
}

Unescaped Unescaped::unbroken() const {
  Unescaped out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (std::string_view(" \t\r\n").find(text[at]) != std::string_view::npos) continue;
    out.text += text[at];
    out.spans.push_back(spans[at]);
  }
  return out;
}

}  // namespace assay::search
