#include "formats/layout.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto statement = formats::Statement::decode(fuzz::view(data, size));
  if (!statement) return 0;
  const std::string text = statement->encode();
  const auto again = formats::Statement::decode(text);
  fuzz::require(again.ok(), "what was written reads");
  fuzz::require(again->encode() == text, "a statement has one text");
  return 0;
}
