#include "toolkit/base/yaml.hpp"

#include <charconv>
#include <optional>
#include <set>
#include <string>

#if defined(ASSAY_HAS_YAML)
#include <yaml.h>
#endif

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/text.hpp"

namespace assay {

#if defined(ASSAY_HAS_YAML)

namespace {

constexpr std::size_t kDeepest = 64, kMostKeys = 5000;

std::optional<Json> yaml_number(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != '_') digits += c;
  std::string_view rest = digits;
  if (rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.empty() || rest.find_first_not_of("0123456789.eE+-") != rest.npos ||
      rest.find_first_of("0123456789") == rest.npos)
    return std::nullopt;
  const auto whole = [&](auto value) -> std::optional<Json> {
    const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (code != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
    return Json(value);
  };
  if (rest.find_first_of(".eE") == rest.npos) return whole(0LL);
  if (rest.find('.') == rest.npos) return std::nullopt;  // YAML 1.1: 1e5 is a string
  return whole(0.0);
}

Json plain_scalar(std::string_view text) {
  const std::string lower = ascii_lower(text);
  if (text.empty() || text == "~" || lower == "null") return {};
  if (lower == "true" || lower == "yes" || lower == "on") return true;
  if (lower == "false" || lower == "no" || lower == "off") return false;
  if (auto number = yaml_number(text)) return *std::move(number);
  return std::string(text);
}

/// One event of libyaml, freed with it.
class YamlEvent {
 public:
  YamlEvent() = default;
  ~YamlEvent() { yaml_event_delete(&event_); }
  YamlEvent(const YamlEvent&) = delete;
  YamlEvent& operator=(const YamlEvent&) = delete;

  yaml_event_t* get() { return &event_; }
  yaml_event_type_t type() const { return event_.type; }
  std::size_t line() const { return event_.start_mark.line + 1; }
  bool plain() const { return event_.data.scalar.style == YAML_PLAIN_SCALAR_STYLE; }
  std::string_view scalar() const {
    return {reinterpret_cast<const char*>(event_.data.scalar.value), event_.data.scalar.length};
  }
  bool named_or_tagged() const {
    switch (event_.type) {
      case YAML_ALIAS_EVENT:
        return true;
      case YAML_SCALAR_EVENT:
        return event_.data.scalar.anchor || event_.data.scalar.tag;
      case YAML_SEQUENCE_START_EVENT:
        return event_.data.sequence_start.anchor || event_.data.sequence_start.tag;
      case YAML_MAPPING_START_EVENT:
        return event_.data.mapping_start.anchor || event_.data.mapping_start.tag;
      default:
        return false;
    }
  }

 private:
  yaml_event_t event_{};
};

Error yaml_error(std::size_t line, std::string what) {
  return {Fault::malformed, std::move(what), "line " + std::to_string(line), ""};
}

class YamlReader {
 public:
  explicit YamlReader(std::string_view text) {
    if (!yaml_parser_initialize(&parser_)) throw std::bad_alloc();
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  }
  ~YamlReader() { yaml_parser_delete(&parser_); }
  YamlReader(const YamlReader&) = delete;
  YamlReader& operator=(const YamlReader&) = delete;

  Result<Json> whole() {
    Json value;
    for (bool read = false;;) {
      YamlEvent event;
      ASSAY_TRY(next(event));
      if (event.type() == YAML_STREAM_END_EVENT) return value;
      if (event.type() != YAML_DOCUMENT_START_EVENT) continue;
      if (std::exchange(read, true)) return yaml_error(event.line(), "a second document");
      YamlEvent root;
      ASSAY_TRY(next(root));
      value = ASSAY_TRY(node(root, 0));
    }
  }

 private:
  Status next(YamlEvent& event) {
    if (yaml_parser_parse(&parser_, event.get())) {
      if (event.named_or_tagged()) return yaml_error(event.line(), "anchors and tags are not read");
      return {};
    }
    const std::size_t line = parser_.problem_mark.line + 1;
    return yaml_error(line, std::string("not YAML: ") + (parser_.problem ? parser_.problem : "not readable"));
  }

  Result<Json> node(const YamlEvent& event, std::size_t depth) {
    if (depth > kDeepest) return yaml_error(event.line(), "nested too deeply");
    if (event.type() == YAML_SEQUENCE_START_EVENT) return sequence(depth);
    if (event.type() == YAML_MAPPING_START_EVENT) return mapping(depth);
    return event.plain() ? plain_scalar(event.scalar()) : Json(std::string(event.scalar()));
  }

  Result<Json> sequence(std::size_t depth) {
    Json list = Json::array();
    for (;;) {
      YamlEvent event;
      ASSAY_TRY(next(event));
      if (event.type() == YAML_SEQUENCE_END_EVENT) return list;
      list.push(ASSAY_TRY(node(event, depth + 1)));
    }
  }

  Result<Json> mapping(std::size_t depth) {
    Json map = Json::object();
    std::set<std::string> keys;
    for (;;) {
      YamlEvent key, value;
      ASSAY_TRY(next(key));
      if (key.type() == YAML_MAPPING_END_EVENT) return map;
      if (key.type() != YAML_SCALAR_EVENT) return yaml_error(key.line(), "expected a name as a key");
      std::string name(key.scalar());
      if (!keys.insert(name).second)
        return yaml_error(key.line(), "the key \"" + name + "\" stands there twice");
      if (keys.size() > kMostKeys) return yaml_error(key.line(), "a mapping of too many keys");
      ASSAY_TRY(next(value));
      map.set(name, ASSAY_TRY(node(value, depth + 1)));
    }
  }

  yaml_parser_t parser_{};
};

}  // namespace

Result<Json> parse_yaml(std::string_view text) {
  if (const auto bad = first_invalid_utf8(text); bad != std::string::npos)
    return Error{Fault::malformed, "not UTF-8", "byte " + std::to_string(bad), ""};
  return YamlReader(text).whole();
}

#else

Result<Json> parse_yaml(std::string_view) {
  return Error{Fault::missing, "this assay reads no YAML", "", "build it where libyaml is installed"};
}

#endif

}  // namespace assay
