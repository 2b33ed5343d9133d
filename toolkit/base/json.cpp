#include "toolkit/base/json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

namespace assay {

Json::Json() : value_(nullptr) {}
Json::Json(std::nullptr_t) : value_(nullptr) {}
Json::Json(bool value) : value_(value) {}
Json::Json(int value) : value_(static_cast<std::int64_t>(value)) {}
Json::Json(long value) : value_(static_cast<std::int64_t>(value)) {}
Json::Json(long long value) : value_(static_cast<std::int64_t>(value)) {}
Json::Json(unsigned value) : value_(static_cast<std::int64_t>(value)) {}
// One representation a number: a natural that fits is an integer, so that equal numbers compare equal.
Json::Json(unsigned long value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) value_ = static_cast<std::int64_t>(value);
  else value_ = static_cast<std::uint64_t>(value);
}
Json::Json(double value) : value_(value) {}
Json::Json(const char* value) : value_(std::string(value)) {}
Json::Json(std::string value) : value_(std::move(value)) {}
Json::Json(std::string_view value) : value_(std::string(value)) {}
Json::Json(Array value) : value_(std::move(value)) {}
Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(const Json&) = default;
Json& Json::operator=(Json&&) noexcept = default;
Json::~Json() = default;

Json Json::array() {
  Json json;
  json.value_ = Array{};
  return json;
}

Json Json::object() {
  Json json;
  json.value_ = Object{};
  return json;
}

Json Json::object(std::initializer_list<Member> members) {
  Json json;
  json.value_ = Object(members);
  return json;
}

bool Json::is_null() const { return value_.index() == 0; }
bool Json::is_bool() const { return value_.index() == 1; }
bool Json::is_integer() const { return value_.index() == 2 || value_.index() == 3; }
bool Json::is_number() const { return is_integer() || value_.index() == 4; }
bool Json::is_string() const { return value_.index() == 5; }
bool Json::is_array() const { return value_.index() == 6; }
bool Json::is_object() const { return value_.index() == 7; }

const char* Json::type_name() const {
  static constexpr const char* kNames[] = {"null", "boolean", "integer", "integer", "number", "string", "array", "object"};
  return kNames[value_.index()];
}

std::optional<bool> Json::boolean() const {
  if (const bool* value = std::get_if<bool>(&value_)) return *value;
  return std::nullopt;
}

std::optional<std::int64_t> Json::integer() const {
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return *value;
  return std::nullopt;
}

std::optional<std::uint64_t> Json::natural() const {
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&value_); value && *value >= 0) return static_cast<std::uint64_t>(*value);
  return std::nullopt;
}

std::optional<double> Json::number() const {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*value);
  return std::nullopt;
}

const std::string* Json::string() const { return std::get_if<std::string>(&value_); }

std::string_view Json::string_or(std::string_view otherwise) const {
  const std::string* value = string();
  return value ? std::string_view(*value) : otherwise;
}

const Json::Array& Json::items() const {
  static const Array kNone;
  const auto* value = std::get_if<Array>(&value_);
  return value ? *value : kNone;
}

const Json::Object& Json::members() const {
  static const Object kNone;
  const auto* value = std::get_if<Object>(&value_);
  return value ? *value : kNone;
}

const Json* Json::find(std::string_view key) const {
  for (const Member& member : members())
    if (member.key == key) return &member.value;
  return nullptr;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json kNull;
  const Json* value = find(key);
  return value ? *value : kNull;
}

Json& Json::set(std::string_view key, Json value) {
  if (!is_object()) value_ = Object{};
  auto& object = std::get<Object>(value_);
  for (Member& member : object) {
    if (member.key != key) continue;
    member.value = std::move(value);
    return *this;
  }
  object.push_back({std::string(key), std::move(value)});
  return *this;
}

Json& Json::push(Json value) {
  if (!is_array()) value_ = Array{};
  std::get<Array>(value_).push_back(std::move(value));
  return *this;
}

std::size_t Json::size() const { return is_array() ? items().size() : members().size(); }

bool Json::operator==(const Json& other) const {
  if (is_number() && other.is_number() && value_.index() != other.value_.index()) return number() == other.number();
  if (value_.index() != other.value_.index()) return false;
  return value_ == other.value_;
}

// ---- reading

namespace {

// CPython writes NaN, Infinity and -Infinity, which no JSON parser takes. On their way through one they are strings that
// start with a control character plus this mark.
constexpr std::string_view kMark = "\x01" "assay:";  // two literals: \x01a would be one character

std::optional<double> marked_number(std::string_view text) {
  if (!text.starts_with(kMark)) return std::nullopt;
  text.remove_prefix(kMark.size());
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

// `text` with every bare NaN, Infinity and -Infinity outside strings replaced by its marked string.
std::string mark_python_numbers(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 64);
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      out += c;
      if (c == '\\' && i + 1 < text.size()) out += text[++i];
      else if (c == '"') in_string = false;
      continue;
    }
    in_string = c == '"';
    const std::string_view rest = text.substr(i);
    std::string_view word;
    for (const std::string_view known : {"NaN", "Infinity", "-Infinity"})
      if (rest.starts_with(known)) word = known;
    if (word.empty()) {
      out += c;
      continue;
    }
    out.append("\"\\u0001").append(kMark.substr(1)).append(word).append("\"");
    i += word.size() - 1;
  }
  return out;
}

class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(const Json::ParseOptions& options) : options_(options) {}

  bool null() override { return put(Json()); }
  bool boolean(bool value) override { return put(Json(value)); }
  bool number_integer(number_integer_t value) override { return put(Json(static_cast<long long>(value))); }
  bool number_unsigned(number_unsigned_t value) override { return put(Json(static_cast<unsigned long>(value))); }
  bool number_float(number_float_t value, const string_t&) override { return put(Json(value)); }
  bool string(string_t& value) override {
    if (options_.python_numbers)
      if (const auto number = marked_number(value)) return put(Json(*number));
    return put(Json(std::move(value)));
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    if (stack_.back().find(key)) return fail("duplicate key \"" + key + "\"");
    keys_.push_back(std::move(key));
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    position_ = position;
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ..." -> what follows.
    const std::string text = error.what();
    const auto colon = text.find(": ");
    return fail(colon == std::string::npos ? text : text.substr(colon + 2));
  }

  Json take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }
  std::size_t position() const { return position_; }

 private:
  bool fail(std::string text) {
    if (problem_.empty()) problem_ = std::move(text);
    return false;
  }

  bool put(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (stack_.back().is_array()) {
      stack_.back().push(std::move(value));
    } else {
      stack_.back().set(keys_.back(), std::move(value));
      keys_.pop_back();
    }
    return true;
  }

  bool open(Json container) {
    if (stack_.size() >= options_.max_depth) return fail("nested deeper than " + std::to_string(options_.max_depth));
    stack_.push_back(std::move(container));
    return true;
  }

  bool close() {
    Json done = std::move(stack_.back());
    stack_.pop_back();
    return put(std::move(done));
  }

  Json::ParseOptions options_;
  Json root_;
  std::vector<Json> stack_;
  std::vector<std::string> keys_;
  std::string problem_;
  std::size_t position_ = 0;
};

}  // namespace

Result<Json> Json::parse(std::string_view text) { return parse(text, ParseOptions{}); }

Result<Json> Json::parse(std::string_view text, ParseOptions options) {
  std::string marked;
  if (options.python_numbers && (text.find("NaN") != text.npos || text.find("Infinity") != text.npos)) {
    marked = mark_python_numbers(text);
    text = marked;
  }
  Builder builder(options);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    const std::size_t at = std::min(builder.position(), text.size());
    const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
    return Error{Fault::malformed, "not valid JSON: " + builder.problem(),
                 at ? "line " + std::to_string(line) + ", byte " + std::to_string(at) : "", ""};
  }
  return builder.take();
}

// ---- writing

namespace {

void write_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += "\\u00";
          out += kHex[static_cast<unsigned char>(c) >> 4];
          out += kHex[c & 15];
        } else {
          out += c;
        }
    }
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
    out.append(2 * depth, ' ');
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
    if (const auto flag = json.boolean()) out += *flag ? "true" : "false";
    else if (const auto integer = json.integer()) out += std::to_string(*integer);
    else if (const auto natural = json.natural()) out += std::to_string(*natural);
    else if (const auto real = json.number()) write_real(out, *real);
    else out += "null";
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
