// Keys: OpenSSH private keys, PEM (PKCS#8) and keys held by ssh-agent. Ed25519 only. Public keys are
// OpenSSH's one-line form everywhere; a key is named by OpenSSH's fingerprint "SHA256:..." .
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

struct PublicKey {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const PublicKey&) const =
      default;                      // NOLINT(modernize-use-nullptr): clang-tidy 14 is mistaken
  std::string fingerprint() const;  ///< "SHA256:" and 43 base64 digits, as ssh-keygen -l prints
  std::string line() const;         ///< "ssh-ed25519 AAAA..."
  static Result<PublicKey> parse(
      std::string_view line);  ///< a comment may follow; other key types are named in the error
  bool verify(std::string_view message, std::string_view signature) const;
};

/// Something that signs bytes with one Ed25519 key: a key in memory, or ssh-agent.
class Signer {
 public:
  virtual ~Signer() = default;
  virtual const PublicKey& public_key() const = 0;
  virtual Result<Bytes> sign(std::string_view message) const = 0;  ///< 64 bytes
};

/// `key` is a private key file (OpenSSH or PEM), a public key file or "agent:FINGERPRINT" or "agent" (then
/// ssh-agent must hold it, or hold exactly one Ed25519 key). An encrypted key file is refused with the way to
/// ssh-agent.
Result<std::unique_ptr<Signer>> load_signer(const std::string& key);

/// A new key pair: `path` (OpenSSH private key, mode 0600) and `path`.pub.
Result<PublicKey> create_key(const std::filesystem::path& path, const std::string& comment, bool force);

/// SSHSIG (PROTOCOL.sshsig) over `message`, armoured, without a final line feed. Git wants namespace "git".
Result<std::string> sshsig_sign(const Signer& signer, std::string_view message, std::string_view name_space);
/// The key that made it; an error if it does not verify.
Result<PublicKey> sshsig_verify(std::string_view armour, std::string_view message,
                                std::string_view name_space);

}  // namespace assay::formats
