#include "formats/timestamp.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view reply = fuzz::view(data, size);
  static_cast<void>(formats::read_timestamp(reply, "envelope").ok());
  fuzz::require(!formats::verify_timestamp(reply, "envelope", "no certificate"), "no authority is trusted");
  return 0;
}
