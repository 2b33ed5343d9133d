#include "formats/dsse.hpp"

#include "formats/trust.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::view(data, size);
  const auto envelope = formats::Envelope::decode(text);
  if (!envelope) return 0;
  fuzz::require(envelope->encode() == text, "an envelope has one text");
  formats::judge_signatures(*envelope, nullptr, 0);
  const formats::Trust nobody;
  fuzz::require(!formats::judge_signatures(*envelope, &nobody, 0).met, "nobody is trusted");
  return 0;
}
