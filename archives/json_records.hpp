// The records of a JSON file, found without parsing them: a broken record then costs itself and not the file,
// and a file of gigabytes is never a tree in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::archives {

struct JsonRecord {
  std::string_view text;
  std::uint64_t offset = 0;  ///< of its first byte in the file
};

/// The elements of an array, or the values that stand one after another (JSON lines, or mongoexport without
/// --jsonArray). Only brackets and strings are understood; what lies between is for the parser. Errors:
/// brackets that do not balance, bytes outside any value.
Result<std::vector<JsonRecord>> split_records(std::string_view document);

/// The text of member `key` of the object in `document`; empty if there is no such member.
Result<JsonRecord> member_text(std::string_view document, std::string_view key);

/// The members of the object in `document`, values as they are written: a number keeps its decimal text. Keys
/// with escapes are left out. Nothing if it is no object.
struct JsonMember {
  std::string key;
  JsonRecord value;
};
std::vector<JsonMember> member_texts(std::string_view document);

/// Parses one record. An error names the field in which the byte lies that could not be read, "field
/// \"program\"", and the byte in the file.
Result<Json> parse_record(const JsonRecord& record, Json::ParseOptions options = {});

}  // namespace assay::archives
