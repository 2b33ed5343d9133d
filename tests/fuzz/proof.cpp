#include "formats/proof.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::view(data, size);
  const auto proof = formats::Proof::decode(text);
  if (!proof) return 0;
  fuzz::require(proof->encode() == text, "a proof has one text");
  static_cast<void>(formats::check_proof(*proof).ok());
  return 0;
}
