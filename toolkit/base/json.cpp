#include "toolkit/base/json.hpp"

#include <limits>

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

}  // namespace assay
