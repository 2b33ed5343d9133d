// SSHSIG (OpenSSH, PROTOCOL.sshsig): signatures that `ssh-keygen -Y` and git make and check.
#include <openssl/evp.h>

#include "formats/keys.hpp"
#include "formats/openssl_start.hpp"
#include "formats/ssh_wire.hpp"

namespace assay::formats {

namespace {

constexpr std::string_view kBegin = "-----BEGIN SSH SIGNATURE-----";
constexpr std::string_view kEnd = "-----END SSH SIGNATURE-----";
constexpr std::string_view kMagic = "SSHSIG";
constexpr std::size_t kMaxArmour = 16u << 10;

Error unusable(std::string what) {
  return {Fault::untrusted, "not a usable SSH signature: " + std::move(what), "", ""};
}

Result<Bytes> hash(std::string_view algorithm, std::string_view message) {
  start_openssl();
  const EVP_MD* kind = algorithm == "sha512" ? EVP_sha512() : algorithm == "sha256" ? EVP_sha256() : nullptr;
  if (!kind) return unusable("hash \"" + Bytes(algorithm.substr(0, 40)) + "\"");
  Bytes digest(static_cast<std::size_t>(EVP_MD_get_size(kind)), '\0');
  auto* out = reinterpret_cast<unsigned char*>(digest.data());
  if (EVP_Digest(message.data(), message.size(), out, nullptr, kind, nullptr) != 1)
    return unusable("OpenSSL cannot hash");
  return digest;
}

Bytes signed_bytes(std::string_view name_space, std::string_view algorithm, ByteView digest) {
  Bytes out(kMagic);
  ssh::put_string(out, name_space);
  ssh::put_string(out, "");  // reserved
  ssh::put_string(out, algorithm);
  ssh::put_string(out, digest);
  return out;
}

}  // namespace

Result<std::string> sshsig_sign(const Signer& signer, std::string_view message, std::string_view name_space) {
  if (name_space.empty()) return Error{Fault::usage, "an SSH signature needs a namespace", "", ""};
  const Bytes digest = ASSAY_TRY(hash("sha512", message));
  const Bytes signature = ASSAY_TRY(signer.sign(signed_bytes(name_space, "sha512", digest)));
  Bytes out(kMagic);
  put_u32_be(out, 1);
  ssh::put_string(out, ssh::key_blob(signer.public_key()));
  ssh::put_string(out, name_space);
  ssh::put_string(out, "");
  ssh::put_string(out, "sha512");
  ssh::put_string(out, ssh::signature_blob(signature));
  return ssh::armour(out, kBegin, kEnd);
}

Result<PublicKey> sshsig_verify(std::string_view armour, std::string_view message,
                                std::string_view name_space) {
  if (armour.size() > kMaxArmour) return unusable("over " + std::to_string(kMaxArmour) + " bytes");
  Result<Bytes> bytes = ssh::unarmour(armour, kBegin, kEnd);
  if (!bytes) return unusable(bytes.error().what);
  if (!bytes->starts_with(kMagic)) return unusable("it does not start with \"SSHSIG\"");
  ssh::Reader reader(ByteView(*bytes).substr(kMagic.size()));
  const std::uint32_t version = reader.u32();
  const ByteView blob = reader.string(), found_space = reader.string();
  reader.string();  // reserved: a reader ignores it, and the signed bytes hold an empty one
  const ByteView algorithm = reader.string(), signature_field = reader.string();
  if (!reader.done() || version != 1) return unusable("expected version 1 and nothing after the signature");
  const auto key = ssh::key_from_blob(blob);
  const auto signature = ssh::signature_from_blob(signature_field);
  if (!key || !signature) return unusable("expected an Ed25519 key and signature");
  if (found_space != name_space) {
    return unusable("expected namespace \"" + std::string(name_space) + "\", found \"" +
                    Bytes(found_space.substr(0, 80)) + "\"");
  }
  const Bytes digest = ASSAY_TRY(hash(algorithm, message));
  if (!key->verify(signed_bytes(name_space, algorithm, digest), *signature))
    return Error{Fault::untrusted, "the signature by " + key->fingerprint() + " does not fit the message", "",
                 ""};
  return *key;
}

}  // namespace assay::formats
