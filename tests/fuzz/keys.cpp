// OpenSSH private and public keys, SSHSIG signatures, PEM.
#include "formats/keys.hpp"

#include "formats/key_file.hpp"
#include "formats/openssh_key.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzz::view(data, size);
  switch (fuzz::pick(text, 4)) {
    case 0:
      static_cast<void>(formats::parse_openssh_key(text).ok());
      break;
    case 1:
      if (const auto key = formats::PublicKey::parse(text))
        fuzz::require(*formats::PublicKey::parse(key->line()) == *key, "a public key comes back");
      break;
    case 2:
      static_cast<void>(formats::sshsig_verify(text, "message", "assay").ok());
      break;
    default:
      static_cast<void>(formats::private_key_from_pem(text).ok());
  }
  return 0;
}
