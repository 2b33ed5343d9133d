#include "replay/search/secret_forms.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "replay/search/escapes.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/text.hpp"

namespace assay::search {

namespace {

using Kind = SecretForm::Kind;

constexpr std::size_t kAnchor = 7, kLongestAnchor = 16;
// Levels of escapes: JSON in JSON in a URL.
constexpr int kLevels = 3;
// Bytes that escapes make of one: "\\\\u00e4" has eight, "%255Cu0026" ten.
constexpr std::size_t kReach = 12, kBeyond = 16;

constexpr std::string_view kAlnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const char* digits_of(bool upper) { return upper ? "0123456789ABCDEF" : "0123456789abcdef"; }

// ---- JSON

std::string json_form(std::string_view value, bool slashes) {
  std::string quoted = Json(value).dump();
  quoted = quoted.substr(1, quoted.size() - 2);
  if (!slashes) return quoted;
  std::string out;
  for (const char c : quoted) out += c == '/' ? std::string("\\/") : std::string(1, c);
  return out;
}

// As writers of JSON do that keep to ASCII (Python's). `json` is valid UTF-8.
std::string ascii_form(std::string_view json) {
  std::string out;
  char escaped[16];
  for (std::size_t at = 0; at < json.size();) {
    const auto first = static_cast<unsigned char>(json[at++]);
    if (first < 0x80) {
      out += static_cast<char>(first);
      continue;
    }
    std::uint32_t point = first >= 0xf0 ? first & 7u : first >= 0xe0 ? first & 15u : first & 31u;
    while (at < json.size() && (static_cast<unsigned char>(json[at]) & 0xc0) == 0x80)
      point = point << 6 | (static_cast<unsigned char>(json[at++]) & 63u);
    if (point >= 0x10000) {
      std::snprintf(escaped, sizeof escaped, "\\u%04x", 0xd7c0u + (point >> 10));
      out += escaped;
      point = 0xdc00u + (point & 0x3ffu);
    }
    std::snprintf(escaped, sizeof escaped, "\\u%04x", point);
    out += escaped;
  }
  return out;
}

// Writers that expect HTML around them put more than they must as \u00XX: Go < > &, .NET also quotes and +.
std::string html_form(std::string_view json, std::string_view more, bool upper) {
  std::string out;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const bool quote = json.substr(at, 2) == "\\\"" && more.find('"') != more.npos;
    const char c = quote ? '"' : json[at];
    if (quote || (c != '"' && more.find(c) != more.npos)) {
      const auto byte = static_cast<unsigned char>(c);
      out += std::string("\\u00") + digits_of(upper)[byte >> 4] + digits_of(upper)[byte & 15];
    } else {
      out += c;
    }
    at += quote;
  }
  return out;
}

void add_json_forms(std::string_view value, std::vector<std::string>& forms) {
  if (first_invalid_utf8(value) != value.npos) return;
  for (const bool slashes : {false, true})
    for (const std::string& json : {json_form(value, slashes), ascii_form(json_form(value, slashes))}) {
      forms.push_back(json);
      for (const bool upper : {false, true})
        for (const std::string_view more : {"<>&", "<>&'", "\"&'<>+`"})
          forms.push_back(html_form(json, more, upper));
    }
  for (std::size_t i = 0, count = forms.size(); i < count; ++i)
    forms.push_back(json_form(forms[i], false));  // JSON in a JSON text
}

// ---- URLs and hexadecimal digits

struct UrlStyle {
  std::string_view plain;  // stands as it is, besides letters and digits
  bool upper, plus;        // digits; a space is '+'
};

std::string url_form(std::string_view value, const UrlStyle& style) {
  const char* digits = digits_of(style.upper);
  std::string out;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (kAlnum.find(c) != kAlnum.npos || style.plain.find(c) != style.plain.npos)
      out += c;
    else if (c == ' ' && style.plus)
      out += '+';
    else
      out += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

void add_url_forms(std::string_view value, std::vector<std::string>& forms) {
  // RFC 3986 without and with '/', JavaScript's encodeURIComponent, encodeURI, and forms.
  for (const std::string_view plain : {"-._~", "-._~/", "-_.!~*'()", "-_.!~*'();,/?:@&=+$#", "*-._"})
    for (const bool upper : {false, true})
      for (const bool plus : {false, true}) forms.push_back(url_form(value, {plain, upper, plus}));
}

// Each byte as digits, with `before` in front of it.
std::string digits_form(std::string_view value, std::string_view before, bool upper) {
  std::string out;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    out += before;
    out += {digits_of(upper)[byte >> 4], digits_of(upper)[byte & 15]};
  }
  return out;
}

void add_digit_forms(std::string_view value, std::vector<std::string>& forms) {
  for (const bool upper : {false, true})
    for (const std::string_view before : {"", "%", "\\x", "\\u00"})
      forms.push_back(digits_form(value, before, upper));
}

// UTF-16, but for the zero at one of its ends.
std::string wide_form(std::string_view value) {
  std::string out;
  for (const char c : value) out += {c, '\0'};
  out.pop_back();
  return out;
}

// ---- base64

// The part of a base64 text that depends on the value alone, when `before` bytes precede it in the encoded
// message.
std::string base64_form(std::string_view value, std::size_t before, bool url) {
  std::string text = to_base64(std::string(before, '\0') + std::string(value));
  const std::size_t bits = 8 * (before + value.size());
  const std::size_t first = (8 * before + 5) / 6, last = bits / 6;
  text = last > first ? text.substr(first, last - first) : "";
  if (url)
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::vector<std::string> distinct(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

std::vector<std::string> base64_forms(std::string_view value) {
  std::vector<std::string> forms;
  for (const bool url : {false, true})
    for (const std::size_t before : {0, 1, 2}) forms.push_back(base64_form(value, before, url));
  return forms;
}

// ---- anchors

// Pieces of letters and digits alone: no writer of JSON or of URLs changes these.
std::vector<SecretForm::Anchor> pieces_of(std::string_view text, std::size_t longest) {
  std::vector<SecretForm::Anchor> pieces;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_not_of(kAlnum, at), text.size());
    for (; end - at >= kAnchor; at += pieces.back().length)
      pieces.push_back({at, end - at < 2 * kAnchor ? end - at : std::min(longest, end - at)});
    at = std::max(end, at) + (end < text.size());
  }
  return pieces;
}

std::optional<SecretForm> escaped_form(std::string_view value) {
  if (value.find_first_not_of(kAlnum) == value.npos) return std::nullopt;  // nothing to escape
  const auto pieces = pieces_of(value, kLongestAnchor);
  const auto longest = std::max_element(pieces.begin(), pieces.end(),
                                        [](const auto& a, const auto& b) { return a.length < b.length; });
  if (longest == pieces.end()) return std::nullopt;
  return SecretForm{std::string(value), Kind::escaped, {*longest}};
}

// Two anchors, since one line's end may lie in one of them.
SecretForm broken_form(std::string text) {
  auto pieces = pieces_of(text, kAnchor);
  if (pieces.size() < 2 && text.size() >= 2 * kAnchor) {
    const std::size_t half = text.size() / 2;
    pieces = {{0, kAnchor}, {half, kAnchor}};
  }
  if (pieces.size() < 2) return {text, Kind::exact, {{0, text.size()}}};
  pieces.resize(2);
  return {std::move(text), Kind::broken, std::move(pieces)};
}

bool is_in(char c, std::string_view set) { return set.find(c) != set.npos; }

// What stands beside the anchor must be the form's own, or the end of an escape or of a line.
bool could_be(std::string_view bytes, std::size_t at, const SecretForm& form,
              const SecretForm::Anchor& anchor) {
  const std::size_t end = at + anchor.length, next = anchor.at + anchor.length;
  if (next < form.text.size() &&
      (end >= bytes.size() || (bytes[end] != form.text[next] && !is_in(bytes[end], "%\\&+ \t\r\n"))))
    return false;
  return anchor.at == 0 || (at > 0 && (bytes[at - 1] == form.text[anchor.at - 1] ||
                                       is_in(bytes[at - 1], "0123456789abcdefABCDEFnrt;+ \t\r\n")));
}

bool equal_but_plus(std::string_view text, std::string_view form) {
  return std::equal(text.begin(), text.end(), form.begin(), form.end(),
                    [](char a, char b) { return a == b || (a == '+' && b == ' '); });
}

}  // namespace

std::vector<SecretForm> forms_of(std::string_view value) {
  std::vector<std::string> exact{std::string(value), wide_form(value)};
  add_json_forms(value, exact);
  add_url_forms(value, exact);
  add_digit_forms(value, exact);
  std::vector<SecretForm> forms;
  for (std::string& text : distinct(base64_forms(value))) {
    for (std::string& again : base64_forms(text)) exact.push_back(std::move(again));
    forms.push_back(broken_form(std::move(text)));
  }
  exact = distinct(std::move(exact));
  for (std::string& text : exact) {
    const std::size_t length = text.size();
    forms.push_back({std::move(text), Kind::exact, {{0, length}}});
  }
  if (auto escaped = escaped_form(value)) forms.push_back(*std::move(escaped));
  std::erase_if(forms, [](const SecretForm& form) { return form.text.size() < kShortestForm; });
  return forms;
}

std::size_t reach_of(const SecretForm& form) {
  return form.kind == Kind::exact ? form.text.size() : kReach * form.text.size() + kBeyond;
}

std::optional<FormPlace> find_around(std::string_view bytes, std::size_t at, const SecretForm& form,
                                     const SecretForm::Anchor& anchor) {
  if (form.kind == Kind::exact) return FormPlace{at, form.text.size()};
  if (!could_be(bytes, at, form, anchor)) return std::nullopt;
  const std::size_t begin = at - std::min(at, kReach * anchor.at + kBeyond);
  const std::size_t rest = form.text.size() - anchor.at;
  Unescaped text = Unescaped::plain(bytes.substr(begin, at - begin + kReach * rest + kBeyond));
  for (int level = 0; level <= kLevels; ++level) {
    if (level > 0) {
      Unescaped next = text.unescaped();
      if (next.text.size() == text.text.size()) return std::nullopt;
      text = std::move(next);
    }
    const Unescaped whole = form.kind == Kind::broken ? text.unbroken() : text;
    const auto place =
        std::lower_bound(whole.spans.begin(), whole.spans.end(), at - begin,
                         [](const Unescaped::Span& span, std::size_t wanted) { return span.begin < wanted; });
    const auto index = static_cast<std::size_t>(place - whole.spans.begin());
    if (index < anchor.at) continue;
    const std::size_t first = index - anchor.at;
    if (!equal_but_plus(std::string_view(whole.text).substr(first, form.text.size()), form.text)) continue;
    const std::size_t from = whole.spans[first].begin, to = whole.spans[first + form.text.size() - 1].end;
    return FormPlace{begin + from, to - from};
  }
  return std::nullopt;
}

}  // namespace assay::search
