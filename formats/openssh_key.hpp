// OpenSSH's private key files (PROTOCOL.key, "openssh-key-v1"): unencrypted Ed25519.
#pragma once

#include <string>
#include <string_view>

#include "formats/keys.hpp"
#include "formats/secret_bytes.hpp"

namespace assay::formats {

inline constexpr std::string_view kOpensshBegin = "-----BEGIN OPENSSH PRIVATE KEY-----";

struct KeyPair {
  PublicKey public_key;
  SecretBytes seed;  ///< 32 bytes (RFC 8032, "private key")
};

/// Fault::refused for an encrypted key, Fault::malformed for one of another type or damaged. Whether the
/// public key belongs to the seed is for the caller to check.
Result<KeyPair> parse_openssh_key(std::string_view text);
/// `check` is the random number by which a reader of an encrypted key sees that the passphrase was right.
SecretBytes format_openssh_key(const KeyPair& pair, const std::string& comment, std::uint32_t check);

}  // namespace assay::formats
