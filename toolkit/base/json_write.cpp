// JSON texts: compact, indented, canonical.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/json.hpp"

namespace assay {

namespace {

bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\' && c != 0x7f; }

void write_escaped(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out.append("\\u00").append({kHex[static_cast<unsigned char>(c) >> 4], kHex[c & 15]});
  }
}

// JSON is UTF-8: what is not shows as U+FFFD, so that no text from a damaged file makes a document
// unreadable.
std::string with_replacements(std::string_view text) {
  std::string out;
  for (std::size_t bad; (bad = first_invalid_utf8(text)) != text.npos; text.remove_prefix(bad + 1))
    out.append(text.substr(0, bad)).append("\xef\xbf\xbd");
  return out.append(text);
}

void write_string(std::string& out, std::string_view text) {
  if (first_invalid_utf8(text) != text.npos) return write_string(out, with_replacements(text));
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_plain(text[end])) ++end;
    out.append(text, at, end - at);
    if (end < text.size()) write_escaped(out, text[end++]);
    at = end;
  }
  out += '"';
}

void write_real(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "\"nan\"";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "\"inf\"" : "\"-inf\"";
    return;
  }
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  out += text;
  // A real stays a real when read back: 2.0, not 2.
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

struct Writer {
  std::string out;
  bool sorted = false, pretty = false;

  void line(unsigned depth) {
    if (!pretty) return;
    out += '\n';
    out.append(std::size_t{2} * depth, ' ');
  }

  void array(const Json& json, unsigned depth) {
    out += '[';
    bool first = true;
    for (const Json& item : json.items()) {
      if (!first) out += ',';
      first = false;
      line(depth + 1);
      write(item, depth + 1);
    }
    if (!first) line(depth);
    out += ']';
  }

  void object(const Json& json, unsigned depth) {
    std::vector<const Json::Member*> members;
    for (const auto& member : json.members()) members.push_back(&member);
    if (sorted) std::sort(members.begin(), members.end(), [](auto a, auto b) { return a->key < b->key; });
    out += '{';
    bool first = true;
    for (const auto* member : members) {
      if (!first) out += ',';
      first = false;
      line(depth + 1);
      write_string(out, member->key);
      out += pretty ? ": " : ":";
      write(member->value, depth + 1);
    }
    if (!first) line(depth);
    out += '}';
  }

  void write(const Json& json, unsigned depth) {
    if (json.is_array()) return array(json, depth);
    if (json.is_object()) return object(json, depth);
    if (const auto* text = json.string()) return write_string(out, *text);
    if (const auto flag = json.boolean())
      out += *flag ? "true" : "false";
    else if (const auto integer = json.integer())
      out += std::to_string(*integer);
    else if (const auto natural = json.natural())
      out += std::to_string(*natural);
    else if (const auto real = json.number())
      write_real(out, *real);
    else
      out += "null";
  }
};

}  // namespace

std::string Json::dump() const {
  Writer writer;
  writer.write(*this, 0);
  return std::move(writer.out);
}

std::string Json::dump_pretty() const {
  Writer writer;
  writer.pretty = true;
  writer.write(*this, 0);
  writer.out += '\n';
  return std::move(writer.out);
}

std::string Json::dump_canonical() const {
  Writer writer;
  writer.sorted = true;
  writer.write(*this, 0);
  return std::move(writer.out);
}

}  // namespace assay
