#include "formats/keys.hpp"

#include <algorithm>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "formats/key_file.hpp"
#include "formats/openssh_key.hpp"
#include "formats/openssl_start.hpp"
#include "formats/ssh_agent.hpp"
#include "formats/ssh_wire.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::formats {

namespace {

struct ContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, ContextFree>;

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Pkey private_key(const SecretBytes& seed) {
  start_openssl();
  return Pkey(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
}

Result<PublicKey> public_of(const Pkey& key) {
  PublicKey out;
  std::size_t length = out.bytes.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), out.bytes.data(), &length) != 1 ||
      length != out.bytes.size())
    return Error{Fault::malformed, "not an Ed25519 key", "", ""};
  return out;
}

class MemorySigner : public Signer {
 public:
  MemorySigner(Pkey key, const PublicKey& public_key) : key_(std::move(key)), public_key_(public_key) {}
  const PublicKey& public_key() const override { return public_key_; }

  Result<Bytes> sign(std::string_view message) const override {
    const Context context(EVP_MD_CTX_new());
    Bytes signature(64, '\0');
    std::size_t length = signature.size();
    auto* out = reinterpret_cast<unsigned char*>(signature.data());
    if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), out, &length, raw(message), message.size()) != 1 ||
        length != signature.size())
      return Error{Fault::malformed, "OpenSSL could not sign with " + public_key_.fingerprint(), "", ""};
    return signature;
  }

 private:
  Pkey key_;
  PublicKey public_key_;
};

Result<std::unique_ptr<Signer>> signer_from_openssh(std::string_view text) {
  const KeyPair pair = ASSAY_TRY(parse_openssh_key(text));
  Pkey key = private_key(pair.seed);
  const PublicKey computed = ASSAY_TRY(public_of(key));
  if (computed != pair.public_key)
    return Error{Fault::malformed, "the private key does not belong to the public key beside it", "", ""};
  return std::unique_ptr<Signer>(std::make_unique<MemorySigner>(std::move(key), computed));
}

Result<std::unique_ptr<Signer>> signer_from_pem(std::string_view text) {
  Pkey key = ASSAY_TRY(private_key_from_pem(text));
  if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) {
    const char* type = EVP_PKEY_get0_type_name(key.get());
    return Error{Fault::malformed,
                 std::string("an Ed25519 key is needed, this one is ") + (type ? type : "of another type"),
                 "", "assay key new FILE makes one"};
  }
  const PublicKey public_key = ASSAY_TRY(public_of(key));
  return std::unique_ptr<Signer>(std::make_unique<MemorySigner>(std::move(key), public_key));
}

// A public key says which of the agent's keys is meant.
Result<std::unique_ptr<Signer>> signer_from_public_line(std::string_view line) {
  const PublicKey key = ASSAY_TRY(PublicKey::parse(line));
  Result<std::unique_ptr<Signer>> signer = agent_signer(key.fingerprint());
  if (!signer)
    signer.error().hint =
        "this is a public key, which ssh-agent signs with: name the private key's file, or " +
        signer.error().hint;
  return signer;
}

Result<std::unique_ptr<Signer>> signer_from_file(const fs::path& path) {
  const SecretBytes text = ASSAY_TRY(read_key_file(path));
  if (text.view().starts_with("ssh-") || text.view().starts_with("ecdsa-") || text.view().starts_with("sk-"))
    return signer_from_public_line(text.view());
  if (text.view().find("-----BEGIN ") == std::string_view::npos) {
    return Error{Fault::malformed, "neither an OpenSSH key file nor a PEM file", "",
                 "--key takes a private key file, a .pub file or agent:FINGERPRINT"};
  }
  return text.view().starts_with(kOpensshBegin) ? signer_from_openssh(text.view())
                                                : signer_from_pem(text.view());
}

Result<KeyPair> new_pair() {
  start_openssl();
  const Pkey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const PublicKey public_key = ASSAY_TRY(public_of(key));
  KeyPair pair{public_key, SecretBytes(Bytes(32, '\0'))};
  std::size_t length = pair.seed.size();
  auto* out = reinterpret_cast<unsigned char*>(pair.seed.bytes().data());
  if (EVP_PKEY_get_raw_private_key(key.get(), out, &length) != 1)
    return Error{Fault::malformed, "OpenSSL made no key", "", ""};
  return pair;
}

}  // namespace

std::string PublicKey::fingerprint() const {
  std::string digits = to_base64(sha256(ssh::key_blob(*this)).view());
  digits.erase(digits.find('='));
  return "SHA256:" + digits;
}

std::string PublicKey::line() const {
  return std::string(ssh::kEd25519) + " " + to_base64(ssh::key_blob(*this));
}

Result<PublicKey> PublicKey::parse(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto space = line.find(' ');
  const std::string_view type = line.substr(0, space);
  if (type != ssh::kEd25519) {
    return Error{Fault::malformed,
                 "expected an \"ssh-ed25519\" public key, found \"" + std::string(type.substr(0, 40)) + "\"",
                 "", "ssh-keygen -t ed25519 makes one"};
  }
  std::string_view digits = space == line.npos ? std::string_view() : line.substr(space + 1);
  digits = digits.substr(0, digits.find_first_of(" \t"));
  const Result<Bytes> blob = from_base64(digits);
  const auto key = blob ? ssh::key_from_blob(*blob) : std::nullopt;
  if (!key || line.find('\n') != line.npos)
    return Error{Fault::malformed, "not an \"ssh-ed25519 AAAA...\" line", "", ""};
  return *key;
}

bool PublicKey::verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != 64) return false;
  start_openssl();
  const Pkey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes.data(), bytes.size()));
  const Context context(EVP_MD_CTX_new());
  return key && context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message), message.size()) == 1;
}

Result<std::unique_ptr<Signer>> load_signer(const std::string& key) {
  if (key == "agent") return agent_signer("");
  if (key.starts_with("agent:")) return agent_signer(std::string_view(key).substr(6));
  // The analyzer loses sight of the pointer in std::variant's move.
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks)
  Result<std::unique_ptr<Signer>> signer = signer_from_file(key);
  if (signer) return signer;
  return about_key_file(std::move(signer.error()), key);
}

Result<PublicKey> create_key(const fs::path& path, const std::string& comment, bool force) {
  if (comment.find_first_of("\r\n") != std::string::npos || first_invalid_utf8(comment) != std::string::npos)
    return Error{Fault::usage, "a key's comment is one line of UTF-8", "", ""};
  const Existing existing = force ? Existing::replace : Existing::refuse;
  fs::path public_path = path;
  public_path += ".pub";
  AtomicFile public_file = ASSAY_TRY(AtomicFile::create(public_path, existing));
  AtomicFile private_file = ASSAY_TRY(AtomicFile::create(path, existing, 0600));
  const KeyPair pair = ASSAY_TRY(new_pair());
  Bytes random(4, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), 4) != 1)
    return Error{Fault::unreadable, "the system gives no random numbers", "", ""};
  ASSAY_TRY(private_file.write(format_openssh_key(pair, comment, get_u32_be(random.data())).view()));
  ASSAY_TRY(public_file.write(pair.public_key.line() + (comment.empty() ? "" : " " + comment) + "\n"));
  ASSAY_TRY(private_file.commit());
  ASSAY_TRY(public_file.commit());
  return pair.public_key;
}

}  // namespace assay::formats
