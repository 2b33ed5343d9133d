#include "toolkit/base/json.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::view(data, size);
  for (const bool python : {false, true}) {
    const auto json = Json::parse(text, {.python_numbers = python, .max_depth = 64});
    if (!json) continue;
    // NaN and infinities are written as strings, so only plain JSON comes back as it was.
    const auto again = Json::parse(json->dump());
    fuzz::require(again.ok(), "what was written reads");
    if (!python) fuzz::require(*again == *json, "what was written reads as the same value");
    fuzz::require(again->dump() == json->dump(), "a value has one text");
    const std::string canonical = json->dump_canonical();
    fuzz::require(Json::parse(canonical)->dump_canonical() == canonical, "the canonical text is stable");
    fuzz::require(Json::parse(json->dump_pretty())->dump() == json->dump(), "indenting changes nothing");
  }
  return 0;
}
