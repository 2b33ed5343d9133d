// Stored chunks: zstd frames, zlib streams, raw bytes. The first byte says which, the second how large it
// claims to be.
#include "formats/coding.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Coding = formats::Extent::Coding;
  constexpr Coding kCodings[] = {Coding::zstd, Coding::deflate, Coding::raw, Coding::piece};
  std::string_view stored = fuzz::view(data, size);
  const Coding coding = kCodings[fuzz::pick(stored, 4)];
  const std::uint64_t claimed = std::uint64_t{1} << fuzz::pick(stored, 24);
  for (const std::uint64_t length : {claimed, claimed - 1, std::uint64_t{stored.size()}}) {
    const auto content = formats::decode_chunk(stored, coding, length);
    if (content) fuzz::require(content->size() <= length, "no more than was declared");
  }
  return 0;
}
