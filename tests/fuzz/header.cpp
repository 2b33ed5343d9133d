#include "formats/layout.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string block(fuzz::view(data, size));
  block.resize(4096);  // a header's size; mutations would otherwise hardly ever keep it
  for (const std::string_view bytes : {fuzz::view(data, size), std::string_view(block)}) {
    const auto header = formats::Header::decode(bytes);
    if (header) fuzz::require(header->encode() == bytes, "a header has one text");
  }
  return 0;
}
