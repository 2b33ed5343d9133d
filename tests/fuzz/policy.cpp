#include "formats/trust.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy = formats::parse_policy(fuzz::view(data, size), "input");
  if (policy) fuzz::require(policy->threshold > 0, "a policy asks for somebody");
  return 0;
}
