#include "formats/layout.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::view(data, size);
  std::uint64_t end = 0;
  // The end that the last line claims, so that tiling can hold at all.
  const auto last = text.rfind('\n', text.size() < 2 ? 0 : text.size() - 2);
  std::uint64_t numbers[2] = {0, 0};
  std::sscanf(std::string(text.substr(last == text.npos ? 0 : last + 1)).c_str(), "%lu %lu", &numbers[0],
              &numbers[1]);
  end = numbers[0] + numbers[1];
  const auto extents = formats::decode_extents(text, end);
  if (!extents) return 0;
  fuzz::require(formats::encode_extents(*extents) == text, "extents have one text");
  std::uint64_t at = 0;
  for (const formats::Extent& extent : *extents) {
    fuzz::require(extent.offset == at && extent.length <= end - at, "extents tile the file");
    at += extent.length;
  }
  fuzz::require(at == end, "extents reach the end");
  return 0;
}
