#include "formats/trust.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto signers = formats::parse_allowed_signers(fuzz::view(data, size), "input");
  if (!signers) return 0;
  for (const formats::AllowedSigner& signer : *signers) {
    fuzz::require(!signer.principals.empty(), "somebody is named");
    formats::matches_pattern_list(signer.principals, signer.identity());
    formats::matches_pattern_list(signer.namespaces, "assay");
  }
  return 0;
}
