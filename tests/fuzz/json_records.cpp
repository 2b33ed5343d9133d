#include "archives/json_records.hpp"

#include "archives/mongo_json.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view document = fuzz::view(data, size);
  static_cast<void>(archives::member_text(document, "results").ok());
  const auto records = archives::split_records(document);
  if (!records) return 0;
  std::uint64_t end = 0;
  for (const archives::JsonRecord& record : *records) {
    fuzz::require(record.offset >= end && record.offset + record.text.size() <= size, "records lie in order");
    end = record.offset + record.text.size();
    const auto json = archives::parse_record(record, {.python_numbers = true, .max_depth = 64});
    if (json) static_cast<void>(archives::plain_json(*json).ok());
  }
  return 0;
}
