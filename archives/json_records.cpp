#include "archives/json_records.hpp"

#include <algorithm>
#include <optional>

#include "toolkit/base/bytes.hpp"

namespace assay::archives {

namespace {

constexpr auto npos = std::string_view::npos;

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
    ++at;
  return at;
}

/// One past the closing quote of the string that starts at `at`, or npos.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); at += 2) {  // a backslash and what it escapes
    at = text.find_first_of("\"\\", at);
    if (at == npos) return npos;
    if (text[at] == '"') return at + 1;
  }
  return npos;
}

/// One past the value that starts at `at`, or npos if its brackets or quotes do not close.
std::size_t skip_value(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      if (at == npos || depth == 0) return at;
    } else if (c == '{' || c == '[') {
      ++depth, ++at;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      ++at;
      if (--depth == 0) return at;
    } else if (depth == 0) {  // a number or a word
      at = text.find_first_of(",]}{[\" \t\r\n", at);
      return at == npos ? text.size() : at;
    } else {
      at = std::min(text.find_first_of("\"{}[]", at), text.size());
    }
  }
  return npos;
}

Error broken(std::string what, std::size_t at) {
  return {Fault::malformed, "not valid JSON: " + std::move(what), "byte " + std::to_string(at), ""};
}

/// One member of an object: key (its bytes, still escaped) and value.
struct Member {
  std::string_view key;
  std::size_t value = 0, end = 0;
};

/// Calls `sink` for each member of the object at `at` until it returns false or the object's end or damage is
/// reached.
template <typename Sink>
void for_each_member(std::string_view text, std::size_t at, const Sink& sink) {
  at = skip_space(text, at);
  if (at >= text.size() || text[at] != '{') return;
  for (++at;;) {
    at = skip_space(text, at);
    if (at >= text.size() || text[at] != '"') return;
    const std::size_t key_end = skip_string(text, at);
    if (key_end == npos) return;
    Member member{text.substr(at + 1, key_end - at - 2), 0, 0};
    at = skip_space(text, key_end);
    if (at >= text.size() || text[at] != ':') return;
    member.value = skip_space(text, at + 1);
    const std::size_t end = skip_value(text, member.value);
    member.end = end == npos ? text.size() : end;
    if (!sink(member) || end == npos) return;
    at = skip_space(text, member.end);
    if (at >= text.size() || text[at] != ',') return;
    ++at;
  }
}

std::string field_at(std::string_view record, std::size_t byte) {
  std::string field;
  for_each_member(record, 0, [&](const Member& member) {
    if (member.value <= byte && byte <= member.end)
      field = "field \"" + std::string(member.key.substr(0, 80)) + "\"";
    return field.empty();
  });
  return field;
}

/// The byte that the parser's place, "line 3, byte 40", speaks of.
std::optional<std::size_t> byte_in(const std::string& where) {
  const auto at = where.rfind("byte ");
  if (at == std::string::npos) return std::nullopt;
  std::size_t byte = 0;
  for (std::size_t i = at + 5; i < where.size() && where[i] >= '0' && where[i] <= '9'; ++i)
    byte = byte * 10 + static_cast<std::size_t>(where[i] - '0');
  return byte;
}

Error placed(const JsonRecord& record, std::string what, std::size_t byte) {
  const std::string field = field_at(record.text, byte);
  return {Fault::malformed, std::move(what),
          (field.empty() ? "" : field + ", ") + "byte " + std::to_string(record.offset + byte), ""};
}

}  // namespace

Result<std::vector<JsonRecord>> split_records(std::string_view document) {
  std::vector<JsonRecord> records;
  std::size_t at = document.starts_with("\xef\xbb\xbf") ? 3 : 0;
  at = skip_space(document, at);
  const bool array = at < document.size() && document[at] == '[';
  if (array) at = skip_space(document, at + 1);
  while (at < document.size() && !(array && document[at] == ']')) {
    const std::size_t end = skip_value(document, at);
    if (end == npos) return broken("record " + std::to_string(records.size()) + " does not end", at);
    if (end == at) return broken("expected a value, found '" + std::string(1, document[at]) + "'", at);
    records.push_back({document.substr(at, end - at), at});
    at = skip_space(document, end);
    if (!array) continue;
    if (at >= document.size() || (document[at] != ',' && document[at] != ']'))
      return broken("expected , or ] after record " + std::to_string(records.size() - 1), at);
    if (document[at] == ',') at = skip_space(document, at + 1);
  }
  if (!array) return records;
  if (at >= document.size()) return broken("the array does not end", at);
  if (const std::size_t rest = skip_space(document, at + 1); rest != document.size())
    return broken("something follows the array", rest);
  return records;
}

Result<JsonRecord> member_text(std::string_view document, std::string_view key) {
  const std::size_t at = skip_space(document, 0);
  if (at >= document.size() || document[at] != '{') return broken("expected an object", at);
  if (skip_value(document, at) == npos) return broken("the object does not end", at);
  JsonRecord found;
  for_each_member(document, at, [&](const Member& member) {
    if (member.key != key) return true;
    found = {document.substr(member.value, member.end - member.value), member.value};
    return false;
  });
  return found;
}

std::vector<JsonMember> member_texts(std::string_view document) {
  std::vector<JsonMember> members;
  for_each_member(document, 0, [&](const Member& member) {
    if (member.key.find('\\') == npos)
      members.push_back({std::string(member.key),
                         {document.substr(member.value, member.end - member.value), member.value}});
    return true;
  });
  return members;
}

Result<Json> parse_record(const JsonRecord& record, Json::ParseOptions options) {
  if (const std::size_t bad = first_invalid_utf8(record.text); bad != npos) {
    static constexpr char kHex[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(record.text[bad]);
    return placed(record, std::string("not UTF-8: found the byte 0x") + kHex[byte >> 4] + kHex[byte & 15],
                  bad);
  }
  auto json = Json::parse(record.text, options);
  if (json) return json;
  const auto byte = byte_in(json.error().where);
  return placed(record, json.error().what, byte.value_or(0));
}

}  // namespace assay::archives
