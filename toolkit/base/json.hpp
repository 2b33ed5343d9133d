// JSON (RFC 8259) as a plain value. nlohmann/json does the reading, in json_read.cpp alone: its header costs 6 s a file.
// Objects keep the order in which they were written; duplicate keys are refused, since two readers of a signed text
// could otherwise see two meanings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "toolkit/base/result.hpp"

namespace assay {

class Json {
 public:
  struct Member;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;

  Json();
  Json(std::nullptr_t);         // NOLINT: implicit by design, as all below
  Json(bool value);             // NOLINT
  Json(int value);              // NOLINT
  Json(long value);             // NOLINT
  Json(long long value);        // NOLINT
  Json(unsigned value);         // NOLINT
  Json(unsigned long value);    // NOLINT
  Json(double value);           // NOLINT
  Json(const char* value);      // NOLINT
  Json(std::string value);      // NOLINT
  Json(std::string_view value); // NOLINT
  Json(Array value);            // NOLINT
  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;
  ~Json();

  static Json array();
  static Json object();
  /// Object literal: Json::object({{"a", 1}, {"b", "x"}}).
  static Json object(std::initializer_list<Member> members);

  bool is_null() const;
  bool is_bool() const;
  bool is_number() const;   ///< integer or real
  bool is_integer() const;
  bool is_string() const;
  bool is_array() const;
  bool is_object() const;
  const char* type_name() const;  ///< "null", "boolean", "integer", "number", "string", "array", "object"

  // Looks without failing: nothing where the type is another.
  std::optional<bool> boolean() const;
  std::optional<std::int64_t> integer() const;
  std::optional<std::uint64_t> natural() const;
  std::optional<double> number() const;         ///< integers too
  const std::string* string() const;
  std::string_view string_or(std::string_view otherwise) const;  ///< the view lives as long as this value
  const Array& items() const;     ///< empty unless an array
  const Object& members() const;  ///< empty unless an object

  /// nullptr unless an object that has it. Looks at the members one by one, as do operator[] and set(): walk over members()
  /// where there are thousands.
  const Json* find(std::string_view key) const;
  const Json& operator[](std::string_view key) const;  ///< a shared null where find() gives nullptr
  Json& set(std::string_view key, Json value);  ///< adds or replaces; null becomes an object. Returns *this
  Json& push(Json value);                       ///< null becomes an array. Returns *this
  std::size_t size() const;                     ///< of an array or object, else 0

  bool operator==(const Json& other) const;

  struct ParseOptions {
    bool python_numbers = false;  ///< accept NaN, Infinity, -Infinity as CPython's json module writes them
    unsigned max_depth = 128;     ///< of arrays and objects in each other; at most 1000
  };
  /// An integer that fits neither 64-bit type becomes a real. A byte order mark at the start is passed over. Refused:
  /// duplicate keys, reals beyond the range of double, text that is not UTF-8, lone surrogates.
  static Result<Json> parse(std::string_view text);
  /// The error says line, column (of bytes) and byte offset, all from 1 but the offset, what was expected and what was
  /// found.
  static Result<Json> parse(std::string_view text, ParseOptions options);

  /// No white space, keys in the order they stand. Reals in their shortest form that reads back equal; NaN and
  /// infinities as the strings "nan", "inf", "-inf".
  std::string dump() const;
  std::string dump_pretty() const;  ///< indented by two, ending in a line feed
  /// No white space, keys sorted bytewise at every level: one text for one value.
  std::string dump_canonical() const;

 private:
  friend class JsonReader;
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Array, Object> value_;
};

struct Json::Member {
  std::string key;
  Json value;
  bool operator==(const Member&) const = default;
};

}  // namespace assay
