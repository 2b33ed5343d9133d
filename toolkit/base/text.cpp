#include "toolkit/base/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "toolkit/base/bytes.hpp"

namespace assay {

namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t length = 1;
  bool valid = false;
};

Character decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1, true};
  const std::size_t length = utf8_sequence(text);
  if (length == 0) return {byte(0), 1, false};
  std::uint32_t code = byte(0) & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3fu);
  return {code, length, true};
}

bool is_control(std::uint32_t code) { return code < 0x20 || (code >= 0x7f && code < 0xa0); }

struct Range {
  std::uint32_t first, last;
};

// Direction marks and overrides (UAX #9), line and paragraph separators, invisible characters and tags.
// Joiners (U+200C, U+200D) stay: several scripts need them.
constexpr std::array kMisleading = {Range{0xad, 0xad},     Range{0x61c, 0x61c},    Range{0x180e, 0x180e},
                                    Range{0x200b, 0x200b}, Range{0x200e, 0x200f},  Range{0x2028, 0x202e},
                                    Range{0x2060, 0x206f}, Range{0xfeff, 0xfeff},  Range{0xfff9, 0xfffb},
                                    Range{0xfdd0, 0xfdef}, Range{0xe0000, 0xe007f}};

bool is_misleading(std::uint32_t code) {
  return std::any_of(kMisleading.begin(), kMisleading.end(),
                     [&](const Range& range) { return code >= range.first && code <= range.last; });
}

void append_escaped(std::string& out, std::string_view bytes) {
  for (const char c : bytes) out.append("\\x").append(to_hex({&c, 1}));
}

}  // namespace

std::string escape_terminal(std::string_view text, Lines lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character c = decode(text);
    const std::string_view bytes = text.substr(0, c.length);
    const bool kept = lines == Lines::keep && (c.code == '\n' || c.code == '\t');
    if (c.valid && (kept || (!is_control(c.code) && !is_misleading(c.code)))) {
      out += bytes;
    } else {
      append_escaped(out, bytes);
    }
    text.remove_prefix(c.length);
  }
  return out;
}

std::string escape_json_text(std::string_view document) {
  std::string out;
  out.reserve(document.size());
  const auto unit = [&out](std::uint32_t code) { out += fmt::format("\\u{:04x}", code); };
  while (!document.empty()) {
    const Character c = decode(document);
    const std::string_view bytes = document.substr(0, c.length);
    document.remove_prefix(c.length);
    // ASCII is as the writer of JSON left it; beyond it, nothing stands outside a string.
    if (c.code < 0x7f || !c.valid || (!is_control(c.code) && !is_misleading(c.code))) {
      out += bytes;
    } else if (c.code < 0x10000) {
      unit(c.code);
    } else {  // a pair of surrogates
      unit(0xd800 + ((c.code - 0x10000) >> 10));
      unit(0xdc00 + ((c.code - 0x10000) & 0x3ff));
    }
  }
  return out;
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 16);
  while (!text.empty()) {
    const Character c = decode(text);
    const bool line = c.code == '\n' || c.code == '\t';
    if (!c.valid || (is_control(c.code) && !line) || is_misleading(c.code))
      out += "\xef\xbf\xbd";
    else if (c.code == '&')
      out += "&amp;";
    else if (c.code == '<')
      out += "&lt;";
    else if (c.code == '>')
      out += "&gt;";
    else if (c.code == '"')
      out += "&quot;";
    else if (c.code == '\'')
      out += "&#39;";
    else
      out += text.substr(0, c.length);
    text.remove_prefix(c.length);
  }
  return out;
}

std::string quote_csv(std::string_view field) {
  const bool formula =
      !field.empty() && std::string_view("=+-@\t\r").find(field[0]) != std::string_view::npos;
  const bool quoted = field.find_first_of(",\"\r\n") != field.npos;
  std::string out;
  if (quoted) out += '"';
  if (formula) out += '\'';
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  if (quoted) out += '"';
  return out;
}

namespace {

bool skip_digits(std::string_view& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(digits);
  return digits > 0;
}

bool skip_one_of(std::string_view& text, std::string_view characters) {
  if (text.empty() || characters.find(text[0]) == characters.npos) return false;
  text.remove_prefix(1);
  return true;
}

bool is_decimal(std::string_view text) {
  skip_one_of(text, "-+");
  if (!skip_digits(text)) return false;
  if (skip_one_of(text, ".") && !skip_digits(text)) return false;
  if (skip_one_of(text, "eE")) {
    skip_one_of(text, "-+");
    if (!skip_digits(text)) return false;
  }
  return text.empty();
}

}  // namespace

std::string csv_number(std::string_view number) {
  return is_decimal(number) ? std::string(number) : quote_csv(number);
}

std::string with_separators(std::uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string with_separators(std::int64_t value) {
  const auto magnitude = static_cast<std::uint64_t>(value);
  return value < 0 ? "-" + with_separators(0 - magnitude) : with_separators(magnitude);
}

namespace {

// Three significant digits of a value below 1000; `unit` may change when rounding reaches 1000.
std::string three_digits(double value) {
  if (value < 9.995) return fmt::format("{:.2f}", value);
  if (value < 99.95) return fmt::format("{:.1f}", value);
  return fmt::format("{:.0f}", value);
}

}  // namespace

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " B";
  static constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; value >= 999.5; ++unit) value /= 1000;
  return three_digits(value) + " " + kUnits[unit];
}

namespace {

std::string two_units(std::uint64_t value, std::uint64_t per, const char* large, const char* small) {
  std::string text = with_separators(value / per) + " " + large;
  if (value % per) text += " " + std::to_string(value % per) + " " + small;
  return text;
}

}  // namespace

std::string human_duration(double seconds) {
  if (!(seconds >= 0) || seconds > 1e15) return "?";
  if (seconds < 0.0095) return fmt::format("{:.1f} ms", seconds * 1000);
  if (seconds < 0.995) return fmt::format("{:.2f} s", seconds);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 3600) return two_units(whole, 60, "min", "s");
  const std::uint64_t minutes = (whole + 30) / 60;
  if (minutes < 1440) return two_units(minutes, 60, "h", "min");
  return two_units((minutes + 30) / 60, 24, "d", "h");
}

std::string group_hex(std::string_view hex, std::size_t group) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (i && group && i % group == 0) out += ' ';
    out += hex[i];
  }
  return out;
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  std::string text = with_separators(count) + " ";
  if (count == 1) return text.append(one);
  return many.empty() ? text.append(one) + "s" : text.append(many);
}

namespace {
constexpr std::string_view kWhite = " \t\r\n\v\f";
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kWhite);
  if (first == text.npos) return text.substr(text.size());
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string_view> split_lines(std::string_view text) {
  if (text.empty()) return {};
  if (text.ends_with('\n')) text.remove_suffix(1);
  auto lines = split(text, '\n');
  for (auto& line : lines)
    if (line.ends_with('\r')) line.remove_suffix(1);
  return lines;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    const auto end = std::min(text.find_first_of(kWhite), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i) out += separator;
    out += parts[i];
  }
  return out;
}

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string shorten(std::string_view text, std::size_t limit) {
  std::size_t count = 0, at = 0, cut = 0;
  while (at < text.size()) {
    if (count + 3 <= limit) cut = at;
    if (count == limit)
      return std::string(text.substr(0, cut)) + std::string("...").substr(0, std::min<std::size_t>(3, limit));
    at += decode(text.substr(at)).length;
    ++count;
  }
  return std::string(text);
}

}  // namespace assay
