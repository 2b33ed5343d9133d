#include "toolkit/base/yaml.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/text.hpp"

namespace assay {

namespace {

constexpr std::size_t kDeepest = 64, kMostKeys = 5000;

struct YamlLine {
  std::size_t number = 0, indent = 0;
  std::string_view text;  // without indentation, comment and trailing white space; empty for a blank line
  std::string_view raw;   // as it stands
};

Error yaml_error(std::size_t line, std::string what) {
  return {Fault::malformed, std::move(what), "line " + std::to_string(line), ""};
}

std::string_view right_trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

// Where a quoted scalar that starts at `at` ends: the position after its closing quote.
std::size_t end_of_quoted(std::string_view text, std::size_t at) {
  const char quote = text[at];
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '\'' && i + 1 < text.size() && text[i + 1] == '\'')
        ++i;
      else
        return i + 1;
    }
  }
  return text.npos;
}

std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = i == 0 || std::string_view(" ,[{:-").find(text[i - 1]) != std::string_view::npos;
    if ((text[i] == '"' || text[i] == '\'') && starts) {
      const std::size_t end = end_of_quoted(text, i);
      if (end == text.npos) break;
      i = end - 1;
    } else if (text[i] == '#' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t')) {
      text = text.substr(0, i);
    }
  }
  return right_trimmed(text);
}

std::optional<Json> number_of(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != '_') digits += c;
  std::string_view rest = digits;
  if (rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.empty() || rest.find_first_not_of("0123456789.eE+-") != rest.npos ||
      rest.find_first_of("0123456789") == rest.npos)
    return std::nullopt;
  if (rest.find_first_of(".eE") == rest.npos) {
    long long value = 0;
    const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (code == std::errc() && end == rest.data() + rest.size()) return Json(value);
    return std::nullopt;
  }
  if (rest.find('.') == rest.npos) return std::nullopt;  // YAML 1.1: 1e5 is a string
  double value = 0;
  const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (code == std::errc() && end == rest.data() + rest.size()) return Json(value);
  return std::nullopt;
}

Json plain_scalar(std::string_view text) {
  const std::string lower = ascii_lower(text);
  if (text.empty() || text == "~" || lower == "null") return {};
  if (lower == "true" || lower == "yes" || lower == "on") return true;
  if (lower == "false" || lower == "no" || lower == "off") return false;
  if (auto number = number_of(text)) return *std::move(number);
  return std::string(text);
}

Result<Json> quoted_scalar(std::string_view text, std::size_t line) {
  if (text[0] == '\'') {
    std::string out;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
      out += text[i];
      if (text[i] == '\'') ++i;
    }
    return Json(std::move(out));
  }
  auto json = Json::parse(text);
  if (!json) return yaml_error(line, "a quoted text that is not read: expected JSON's escapes");
  return *std::move(json);
}

class FlowReader {
 public:
  FlowReader(std::string_view text, std::size_t line) : text_(text), line_(line) {}

  Result<Json> whole() {
    Json value = ASSAY_TRY(read(0));
    skip();
    if (at_ != text_.size()) return yaml_error(line_, "text after the end of a flow collection");
    return value;
  }

 private:
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Result<Json> read(std::size_t depth) {
    if (depth > kDeepest) return yaml_error(line_, "nested too deeply");
    skip();
    if (take('[')) return sequence(depth);
    if (take('{')) return mapping(depth);
    return scalar(",]}");
  }

  Result<Json> scalar(std::string_view ends) {
    skip();
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      const std::size_t end = end_of_quoted(text_, at_);
      if (end == text_.npos) return yaml_error(line_, "a quoted text without its end");
      const std::string_view quoted = text_.substr(at_, end - at_);
      at_ = end;
      return quoted_scalar(quoted, line_);
    }
    const std::size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
    const std::string_view plain = right_trimmed(text_.substr(at_, end - at_));
    at_ = end;
    return plain_scalar(plain);
  }

  Result<Json> sequence(std::size_t depth) {
    Json list = Json::array();
    while (!take(']')) {
      list.push(ASSAY_TRY(read(depth + 1)));
      if (!take(',') && (at_ >= text_.size() || text_[at_] != ']'))
        return yaml_error(line_, "a flow collection that does not end on its line");
    }
    return list;
  }

  Result<Json> mapping(std::size_t depth) {
    Json map = Json::object();
    while (!take('}')) {
      const Json key = ASSAY_TRY(scalar(":,}"));
      const std::string name = key.string() ? *key.string() : key.dump();
      if (!take(':')) return yaml_error(line_, "a flow mapping's key without a value");
      if (map.find(name)) return yaml_error(line_, "the key \"" + name + "\" stands there twice");
      map.set(name, ASSAY_TRY(read(depth + 1)));
      if (!take(',') && (at_ >= text_.size() || text_[at_] != '}'))
        return yaml_error(line_, "a flow collection that does not end on its line");
    }
    return map;
  }

  std::string_view text_;
  std::size_t line_, at_ = 0;
};

// The key of "key: value" or "key:", and where the value starts; nothing if the line is no mapping entry.
struct Entry {
  std::string key;
  std::string_view value;
};

std::optional<Entry> entry_of(std::string_view text) {
  std::size_t from = 0;
  if (!text.empty() && (text[0] == '"' || text[0] == '\'')) {
    from = end_of_quoted(text, 0);
    if (from == text.npos) return std::nullopt;
  }
  for (std::size_t at = text.find(':', from); at != text.npos; at = text.find(':', at + 1)) {
    if (at + 1 < text.size() && text[at + 1] != ' ') continue;
    std::string_view key = right_trimmed(text.substr(0, at)), value = text.substr(at + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (from > 0) key = key.substr(1, key.size() - 2);
    return Entry{std::string(key), value};
  }
  return std::nullopt;
}

class BlockReader {
 public:
  explicit BlockReader(std::string_view text) {
    std::size_t number = 0;
    for (const std::string_view raw : split_lines(text)) {
      YamlLine line{++number, std::min(raw.find_first_not_of(' '), raw.size()), {}, raw};
      line.text = without_comment(raw.substr(line.indent));
      lines_.push_back(line);
    }
  }

  Result<Json> whole() {
    if (!next()) return Json();
    if (here().text == "---") ++at_;
    if (!next()) return Json();
    Json value = ASSAY_TRY(block(here().indent, 0));
    if (next()) return yaml_error(here().number, "indented as no line above it");
    return value;
  }

 private:
  const YamlLine& here() const { return lines_[at_]; }

  bool next() {
    while (at_ < lines_.size() && here().text.empty()) ++at_;
    return at_ < lines_.size();
  }

  static bool is_item(std::string_view text) { return text == "-" || text.starts_with("- "); }

  Result<Json> block(std::size_t indent, std::size_t depth) {
    if (depth > kDeepest) return yaml_error(here().number, "nested too deeply");
    if (is_item(here().text)) return sequence(indent, depth);
    if (entry_of(here().text)) return mapping(indent, depth);
    const YamlLine line = here();
    ++at_;
    return value_of(line.text, line, indent, depth);
  }

  Result<Json> sequence(std::size_t indent, std::size_t depth) {
    Json list = Json::array();
    while (next() && here().indent == indent && is_item(here().text)) {
      YamlLine& line = lines_[at_];
      std::string_view rest = line.text.substr(1);
      const std::size_t skip = std::min(rest.find_first_not_of(' '), rest.size());
      rest.remove_prefix(skip);
      if (!rest.empty() && (is_item(rest) || (entry_of(rest) && rest[0] != '{' && rest[0] != '['))) {
        line.indent += 1 + skip;  // "- key: value": a mapping that starts here
        line.text = rest;
        list.push(ASSAY_TRY(block(line.indent, depth + 1)));
      } else {
        const YamlLine copy = line;
        ++at_;
        list.push(ASSAY_TRY(value_of(rest, copy, indent, depth)));
      }
    }
    return list;
  }

  Result<Json> mapping(std::size_t indent, std::size_t depth) {
    Json map = Json::object();
    std::set<std::string> keys;
    while (next() && here().indent == indent && !is_item(here().text)) {
      const YamlLine line = here();
      auto entry = entry_of(line.text);
      if (!entry) return yaml_error(line.number, "expected \"key: value\"");
      if (!keys.insert(entry->key).second)
        return yaml_error(line.number, "the key \"" + entry->key + "\" stands there twice");
      if (keys.size() > kMostKeys) return yaml_error(line.number, "a mapping of too many keys");
      ++at_;
      map.set(entry->key, ASSAY_TRY(value_of(entry->value, line, indent, depth)));
    }
    return map;
  }

  // What stands after "key:" or "-": a scalar, a flow collection, or the more indented block below.
  Result<Json> value_of(std::string_view text, const YamlLine& line, std::size_t indent, std::size_t depth) {
    if (text.empty()) {
      if (!next() || here().indent < indent) return Json();
      if (here().indent == indent && !(is_item(here().text) && !is_item(line.text))) return Json();
      return block(here().indent, depth + 1);
    }
    if (text[0] == '|' || text[0] == '>') return literal(text, indent);
    if (text[0] == '&' || text[0] == '*' || text[0] == '!')
      return yaml_error(line.number, "anchors and tags are not read");
    if (text[0] == '[' || text[0] == '{') return FlowReader(text, line.number).whole();
    if (text[0] == '"' || text[0] == '\'') return FlowReader(text, line.number).whole();
    std::string plain(text);  // continued on more indented lines
    while (next() && here().indent > indent && !entry_of(here().text) && !is_item(here().text)) {
      plain += " " + std::string(here().text);
      ++at_;
    }
    return plain_scalar(plain);
  }

  Result<Json> literal(std::string_view style, std::size_t indent) {
    std::string out;
    std::size_t inner = 0;
    while (at_ < lines_.size()) {
      const std::string_view raw = here().raw;
      const std::size_t spaces = std::min(raw.find_first_not_of(' '), raw.size());
      const bool blank = spaces == raw.size();
      if (!blank && spaces <= indent) break;
      if (!blank && inner == 0) inner = spaces;
      out += blank ? "" : std::string(raw.substr(std::min(inner, spaces)));
      out += style[0] == '>' && !blank ? ' ' : '\n';
      ++at_;
    }
    while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
    if (style.find('-') == style.npos && !out.empty()) out += '\n';
    return Json(std::move(out));
  }

  std::vector<YamlLine> lines_;
  std::size_t at_ = 0;
};

}  // namespace

Result<Json> parse_yaml(std::string_view text) {
  if (const auto bad = first_invalid_utf8(text); bad != std::string::npos)
    return Error{Fault::malformed, "not UTF-8", "byte " + std::to_string(bad), ""};
  return BlockReader(text).whole();
}

}  // namespace assay
