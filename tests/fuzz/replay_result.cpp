#include "formats/replay_result.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::view(data, size);
  if (const auto result = formats::ReplayResult::decode(text))
    fuzz::require(result->encode() == text, "a result has one text");
  static_cast<void>(formats::parse_replay_file(text));
  return 0;
}
