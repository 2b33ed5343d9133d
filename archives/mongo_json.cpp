#include "archives/mongo_json.hpp"

#include <charconv>
#include <limits>

#include "formats/campaign.hpp"
#include "formats/fields.hpp"

namespace assay::archives {

namespace {

Error unreadable(std::string_view key, const Json& value) {
  return {
      Fault::malformed,
      "expected a number as a string under \"" + std::string(key) + "\", found " + formats::describe(value),
      "", ""};
}

Result<Json> whole_number(std::string_view key, const Json& value) {
  const std::string_view text = value.string_or("");
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || code != std::errc() || end != text.data() + text.size()) return unreadable(key, value);
  return Json(static_cast<long long>(number));
}

Result<Json> real_number(std::string_view key, const Json& value) {
  const std::string_view text = value.string_or("");
  if (text == "Infinity") return Json(std::numeric_limits<double>::infinity());
  if (text == "-Infinity") return Json(-std::numeric_limits<double>::infinity());
  const auto number = formats::parse_decimal(text);
  if (!number) return unreadable(key, value);
  return Json(*number);
}

Result<Json> date(const Json& value) {
  if (value.string()) return value;
  if (const auto ms = value.integer()) return Json(std::to_string(*ms));
  if (const std::string* ms = value["$numberLong"].string()) return Json(*ms);
  return Error{Fault::malformed, "expected a date under \"$date\", found " + formats::describe(value), "",
               ""};
}

}  // namespace

// The parser bounds the depth, so the recursion is bounded too.
Result<Json> plain_json(const Json& extended) {
  if (extended.is_array()) {
    Json out = Json::array();
    for (const Json& item : extended.items()) out.push(ASSAY_TRY(plain_json(item)));
    return out;
  }
  if (!extended.is_object()) return extended;
  if (extended.size() == 1) {
    const Json::Member& only = extended.members()[0];
    if (only.key == "$oid" && only.value.string()) return only.value;
    if (only.key == "$date") return date(only.value);
    if (only.key == "$numberInt" || only.key == "$numberLong") return whole_number(only.key, only.value);
    if (only.key == "$numberDouble") return real_number(only.key, only.value);
  }
  Json out = Json::object();
  for (const Json::Member& member : extended.members())
    out.set(member.key, ASSAY_TRY(plain_json(member.value)));
  return out;
}

}  // namespace assay::archives
