// An Ed25519 key that everybody knows: with it a target signs what it is given, to get behind the signature.
#pragma once

#include <openssl/evp.h>

#include "formats/keys.hpp"

namespace assay::fuzz {

class OpenKey final : public formats::Signer {
 public:
  OpenKey() {
    const unsigned char seed[32] = {1};
    key_ = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed, sizeof seed);
    std::size_t length = public_.bytes.size();
    EVP_PKEY_get_raw_public_key(key_, public_.bytes.data(), &length);
  }
  ~OpenKey() override { EVP_PKEY_free(key_); }
  OpenKey(const OpenKey&) = delete;
  OpenKey& operator=(const OpenKey&) = delete;
  const formats::PublicKey& public_key() const override { return public_; }
  Result<Bytes> sign(std::string_view message) const override {
    Bytes signature(64, '\0');
    std::size_t length = signature.size();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key_);
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &length,
                   reinterpret_cast<const unsigned char*>(message.data()), message.size());
    EVP_MD_CTX_free(context);
    return signature;
  }

 private:
  EVP_PKEY* key_;
  formats::PublicKey public_;
};

inline const OpenKey& open_key() {
  static const OpenKey key;
  return key;
}

}  // namespace assay::fuzz
