#include "archives/secrets_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "toolkit/base/text.hpp"

namespace assay::archives::secrets {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

double entropy_of(std::string_view value) {
  std::array<std::size_t, 256> counts{};
  for (const char c : value) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  const auto total = static_cast<double>(value.size());
  for (const std::size_t count : counts)
    if (count) bits -= static_cast<double>(count) / total * std::log2(static_cast<double>(count) / total);
  return bits;
}

// Parts of values that stand for another.
constexpr std::string_view kStandIns[] = {
    "your",     "example", "placeholder", "changeme",   "change_me",  "change-me", "dummy",
    "redacted", "insert",  "replace",     "xxxx",       "****",       "....",      "...",
    "${",       "{{",      "$(",          "%(",         "<",          ">",         "{",
    "}",        "environ", "getenv",      "not-needed", "not_needed", "<|"};
// Whole values that say nothing.
constexpr std::string_view kNothing[] = {
    "none",   "null",  "nil", "true",   "false",   "empty",   "undefined", "unset", "secret", "password",
    "passwd", "token", "key", "apikey", "api_key", "api-key", "string",    "str",   "bytes",  "default"};

bool is_one_character(std::string_view value) {
  return value.find_first_not_of(value.empty() ? '\0' : value[0]) == value.npos;
}

}  // namespace

bool is_alnum(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }
bool is_word(char c) { return is_alnum(c) || c == '_'; }

Shape shape_of(std::string_view value) {
  Shape shape;
  int last = 0;
  for (const char c : value) {
    const int group = is_digit(c) ? 1 : is_lower(c) ? 2 : is_upper(c) ? 3 : 0;
    shape.digits += group == 1;
    shape.lower += group == 2;
    shape.upper += group == 3;
    shape.others += group == 0;
    if (group && last && group != last) ++shape.switches;
    if (group) last = group;
  }
  shape.letters = shape.lower + shape.upper;
  shape.entropy = value.empty() ? 0 : entropy_of(value);
  return shape;
}

bool is_placeholder(std::string_view value) {
  if (value.empty() || value[0] == '$' || value[0] == '%' || is_one_character(value)) return true;
  const std::string text = ascii_lower(value);
  const auto holds = [&](std::string_view part) { return text.find(part) != text.npos; };
  return std::find(std::begin(kNothing), std::end(kNothing), text) != std::end(kNothing) ||
         std::any_of(std::begin(kStandIns), std::end(kStandIns), holds);
}

}  // namespace assay::archives::secrets
