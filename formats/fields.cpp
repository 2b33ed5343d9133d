#include "formats/fields.hpp"

#include <limits>

namespace assay::formats {

std::string describe(const Json& value) {
  if (value.is_array() || value.is_object()) return std::string("an ") + value.type_name();
  const std::string text = value.dump();
  return text.size() <= 60
             ? text
             : std::string("a ") + value.type_name() + " of " + std::to_string(text.size()) + " bytes";
}

std::optional<double> number_or_text(const Json& value) {
  if (const auto number = value.number()) return number;
  const std::string* text = value.string();
  if (!text) return std::nullopt;
  if (*text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (*text == "inf") return std::numeric_limits<double>::infinity();
  if (*text == "-inf") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

Result<Json> parse_object(std::string_view text) {
  Json json = ASSAY_TRY(Json::parse(text));
  if (!json.is_object())
    return Error{Fault::malformed, "expected a JSON object, found " + describe(json), "", ""};
  return json;
}

Fields::Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object.is_object())
    error_ = Error{Fault::malformed, "expected an object, found " + describe(object),
                   path_.empty() ? "" : "field \"" + path_ + "\"", ""};
}

Status Fields::status() const {
  if (error_) return *error_;
  return {};
}

Fields& Fields::refuse(std::string_view key, const std::string& expected) {
  if (error_) return *this;
  const Json* value = object_.find(key);
  std::string hint;
  if (value && value->is_null()) hint = "leave out a field that the campaign does not have";
  error_ =
      Error{Fault::malformed, "expected " + expected + ", found " + (value ? describe(*value) : "nothing"),
            "field \"" + path_ + std::string(key) + "\"", hint};
  return *this;
}

Fields& Fields::require(std::string_view key) {
  if (!error_ && !object_.find(key)) {
    error_ =
        Error{Fault::malformed, "required, but absent", "field \"" + path_ + std::string(key) + "\"", ""};
  }
  return *this;
}

Fields& Fields::text(std::string_view key, std::string& out) {
  const Json* value = wanted(key);
  if (!value) return *this;
  if (!value->string()) return refuse(key, "a string");
  out = *value->string();
  return *this;
}

Fields& Fields::text(std::string_view key, std::optional<std::string>& out) {
  if (wanted(key)) text(key, out.emplace());
  return *this;
}

Fields& Fields::integer(std::string_view key, std::optional<std::int64_t>& out) {
  const Json* value = wanted(key);
  if (!value) return *this;
  if (!value->integer()) return refuse(key, "an integer");
  out = value->integer();
  return *this;
}

Fields& Fields::natural(std::string_view key, std::optional<std::int64_t>& out) {
  const Json* value = wanted(key);
  if (!value) return *this;
  if (!value->integer() || *value->integer() < 0) return refuse(key, "an integer that is not negative");
  out = value->integer();
  return *this;
}

Fields& Fields::number(std::string_view key, std::optional<double>& out) {
  const Json* value = wanted(key);
  if (!value) return *this;
  out = number_or_text(*value);
  if (!out) return refuse(key, "a number");
  return *this;
}

Fields& Fields::boolean(std::string_view key, bool& out) {
  const Json* value = wanted(key);
  if (!value) return *this;
  if (!value->boolean()) return refuse(key, "true or false");
  out = *value->boolean();
  return *this;
}

Fields& Fields::texts(std::string_view key, std::vector<std::string>& out) {
  const Json* value = wanted(key);
  if (!value) return *this;
  if (!value->is_array()) return refuse(key, "an array of strings");
  out.reserve(value->size());
  for (const Json& item : value->items()) {
    if (!item.string()) return refuse(key, "an array of strings only");
    out.push_back(*item.string());
  }
  return *this;
}

Fields& Fields::text_map(std::string_view key, std::map<std::string, std::string>& out) {
  const Json* value = wanted(key);
  if (!value) return *this;
  if (!value->is_object()) return refuse(key, "an object of strings");
  for (const auto& member : value->members()) {
    if (!member.value.string()) return refuse(key, "a string under \"" + member.key + "\"");
    out.emplace(member.key, *member.value.string());
  }
  return *this;
}

Fields& Fields::number_map(std::string_view key, std::map<std::string, double>& out) {
  const Json* value = wanted(key);
  if (!value) return *this;
  if (!value->is_object()) return refuse(key, "an object of numbers");
  for (const auto& member : value->members()) {
    const auto number = number_or_text(member.value);
    if (!number) return refuse(key, "a number under \"" + member.key + "\"");
    out.emplace(member.key, *number);
  }
  return *this;
}

Fields& Fields::object(std::string_view key, Json& out) {
  const Json* value = wanted(key);
  if (!value) return *this;
  if (!value->is_object()) return refuse(key, "an object");
  out = *value;
  return *this;
}

Fields& Fields::array(std::string_view key, Json& out) {
  const Json* value = wanted(key);
  if (!value) return *this;
  if (!value->is_array()) return refuse(key, "an array");
  out = *value;
  return *this;
}

Fields& Fields::one_of(std::string_view key, std::string& out,
                       std::initializer_list<std::string_view> allowed) {
  text(key, out);
  if (!wanted(key)) return *this;
  std::string list;
  for (const std::string_view one : allowed) {
    if (out == one) return *this;
    list += (list.empty() ? "\"" : ", \"") + std::string(one) + "\"";
  }
  return refuse(key, "one of " + list);
}

}  // namespace assay::formats
