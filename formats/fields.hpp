// Typed reading of a JSON object's members. The first field that does not fit is kept as the error, so that a
// parser reads as a list of its fields.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

class Fields {
 public:
  /// `path` stands before each field's name in errors: "metrics[3].". `object` must outlive this.
  explicit Fields(const Json& object, std::string path = "");

  // Each leaves `out` as it is where the field is absent. A null is never "absent": it is refused.
  Fields& text(std::string_view key, std::string& out);
  Fields& text(std::string_view key, std::optional<std::string>& out);
  Fields& integer(std::string_view key, std::optional<std::int64_t>& out);
  Fields& natural(std::string_view key, std::optional<std::int64_t>& out);
  /// Numbers; also "nan", "inf" and "-inf", as Json::dump writes what JSON has no number for.
  Fields& number(std::string_view key, std::optional<double>& out);
  Fields& boolean(std::string_view key, bool& out);
  Fields& texts(std::string_view key, std::vector<std::string>& out);
  Fields& text_map(std::string_view key, std::map<std::string, std::string>& out);
  Fields& number_map(std::string_view key, std::map<std::string, double>& out);
  Fields& object(std::string_view key, Json& out);
  Fields& array(std::string_view key, Json& out);
  Fields& one_of(std::string_view key, std::string& out, std::initializer_list<std::string_view> allowed);
  Fields& require(std::string_view key);
  /// Records that `key` does not hold what `expected` says.
  Fields& refuse(std::string_view key, const std::string& expected);

  const Json* find(std::string_view key) const { return object_.find(key); }
  bool ok() const { return !error_; }
  Status status() const;

 private:
  const Json* wanted(std::string_view key) const { return error_ ? nullptr : object_.find(key); }

  const Json& object_;
  std::string path_;
  std::optional<Error> error_;
};

/// A value as an error shows it: its type, and its text where that is short.
std::string describe(const Json& value);
/// The number that `value` is, or that the text "nan", "inf" or "-inf" stands for.
std::optional<double> number_or_text(const Json& value);
/// Parses `text` and refuses anything but an object.
Result<Json> parse_object(std::string_view text);

}  // namespace assay::formats
