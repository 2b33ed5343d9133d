// Private key files, as far as their kind does not matter: read with care, PEM through OpenSSL.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/evp.h>

#include "formats/secret_bytes.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

struct PkeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }  // wipes it too
};
using Pkey = std::unique_ptr<EVP_PKEY, PkeyFree>;

/// At most 64 KiB. As ssh does, a private key of the caller's own that others can read is refused; a public
/// key is not.
Result<SecretBytes> read_key_file(const std::filesystem::path& path);

/// A private key of any type. Never asks for a passphrase: an encrypted key is Fault::refused.
Result<Pkey> private_key_from_pem(std::string_view text);

/// Puts the file's name into an error about it, and in place of FILE in its hint.
Error about_key_file(Error error, const std::string& path);

}  // namespace assay::formats
