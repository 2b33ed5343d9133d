#include "formats/model_signing.hpp"

#include <algorithm>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "formats/dsse.hpp"
#include "formats/item.hpp"
#include "formats/key_file.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/parallel.hpp"

namespace assay::formats {

namespace {

constexpr const char* kMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";
constexpr const char* kPredicateType = "https://model_signing/signature/v1.0";
constexpr std::string_view kIgnored[] = {"model.sig", ".git", ".gitattributes", ".github", ".gitignore"};

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};

bool is_ignored(std::string_view relative) {
  const std::string_view top = relative.substr(0, relative.find('/'));
  return std::find(std::begin(kIgnored), std::end(kIgnored), top) != std::end(kIgnored);
}

Result<Digest> hash_file(const fs::path& path, std::uint64_t size) {
  constexpr std::uint64_t kStep = 4u << 20;
  const Fd fd = ASSAY_TRY(open_read(path));
  Sha256 hash;
  for (std::uint64_t at = 0; at < size; at += kStep) {
    const std::string part = ASSAY_TRY(read_at(fd.get(), at, std::min(kStep, size - at)));
    hash.update(part);
  }
  return hash.finish();
}

// The package sorts paths part by part, so that "d/b" comes before "d.x": as if '/' were the lowest
// character.
bool comes_before(const SignedFile& a, const SignedFile& b) {
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
  return std::lexicographical_compare(a.name.begin(), a.name.end(), b.name.begin(), b.name.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

Status sort_and_check(std::vector<SignedFile>& files) {
  if (files.empty()) return Error{Fault::usage, "no file to sign", "", ""};
  for (const SignedFile& file : files) {
    ASSAY_TRY(check_item_name(file.name));
    if (first_invalid_utf8(file.name) != std::string::npos)
      return Error{Fault::malformed, "model.sig holds names in UTF-8 only: " + escape_name(file.name), "",
                   ""};
  }
  std::sort(files.begin(), files.end(), comes_before);
  for (std::size_t i = 1; i < files.size(); ++i)
    if (files[i].name == files[i - 1].name)
      return Error{Fault::usage, "a file given twice: " + files[i].name, "", ""};
  return {};
}

std::string statement(const std::string& name, const std::vector<SignedFile>& files) {
  Json resources = Json::array();
  Sha256 all;
  for (const SignedFile& file : files) {
    all.update(file.digest.view());
    resources.push(
        Json::object({{"algorithm", "sha256"}, {"digest", file.digest.hex()}, {"name", file.name}}));
  }
  Json subject = Json::array();
  subject.push(Json::object({{"digest", Json::object({{"sha256", all.finish().hex()}})}, {"name", name}}));
  const Json serialization =
      Json::object({{"allow_symlinks", false}, {"hash_type", "sha256"}, {"method", "files"}});
  return Json::object({{"_type", "https://in-toto.io/Statement/v1"},
                       {"subject", std::move(subject)},
                       {"predicateType", kPredicateType},
                       {"predicate", Json::object({{"resources", std::move(resources)},
                                                   {"serialization", serialization}})}})
      .dump_canonical();
}

Result<Pkey> load_key(const fs::path& path) {
  const SecretBytes text = ASSAY_TRY(read_key_file(path));
  Pkey key = ASSAY_TRY(private_key_from_pem(text.view()));
  char group[64] = "";
  if (EVP_PKEY_get_id(key.get()) == EVP_PKEY_EC &&
      EVP_PKEY_get_group_name(key.get(), group, sizeof group, nullptr) == 1 &&
      std::string_view(group) == "prime256v1")
    return key;
  return Error{Fault::malformed,
               "model.sig needs an ECDSA key on the curve P-256; an Ed25519 key does not do", "",
               "openssl ecparam -name prime256v1 -genkey -noout -out KEY.pem makes one"};
}

Result<std::string> public_pem(EVP_PKEY* key) {
  const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PUBKEY(bio.get(), key) != 1)
    return Error{Fault::malformed, "OpenSSL cannot write the public key", "", ""};
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

Result<Bytes> ecdsa_sign(EVP_PKEY* key, std::string_view message) {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  std::size_t length = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  Bytes signature(length, '\0');
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), out, &length, bytes, message.size()) != 1)
    return Error{Fault::malformed, "OpenSSL could not sign", "", ""};
  signature.resize(length);
  return signature;
}

Json sigstore_bundle(const std::string& payload, const Bytes& signature, const std::string& pem) {
  Json signatures = Json::array();
  signatures.push(Json::object({{"sig", to_base64(signature)}, {"keyid", ""}}));
  const Json material = Json::object(
      {{"publicKey", Json::object({{"hint", sha256(pem).hex()}})}, {"tlogEntries", Json::array()}});
  const Json envelope = Json::object({{"payload", to_base64(payload)},
                                      {"payloadType", kInTotoPayload},
                                      {"signatures", std::move(signatures)}});
  return Json::object(
      {{"mediaType", kMediaType}, {"verificationMaterial", material}, {"dsseEnvelope", envelope}});
}

}  // namespace

Result<std::vector<SignedFile>> hash_model_folder(const fs::path& folder) {
  std::vector<FoundFile> found = ASSAY_TRY(walk_files(folder));
  std::erase_if(found, [](const FoundFile& file) { return is_ignored(file.relative); });
  std::vector<SignedFile> files(found.size());
  ASSAY_TRY(parallel_for(found.size(), [&](std::size_t i) -> Status {
    const Digest digest = ASSAY_TRY(hash_file(folder / found[i].relative, found[i].size));
    files[i] = {found[i].relative, digest};
    return {};
  }));
  return files;
}

Result<ModelSignature> sign_model(const std::string& name, std::vector<SignedFile> files,
                                  const fs::path& key) {
  ASSAY_TRY(sort_and_check(files));
  Result<Pkey> pkey = load_key(key);
  if (!pkey) return about_key_file(std::move(pkey.error()), key.string());
  const std::string pem = ASSAY_TRY(public_pem(pkey->get()));
  const std::string payload = statement(name, files);
  const Bytes signature =
      ASSAY_TRY(ecdsa_sign(pkey->get(), pre_authentication_encoding(kInTotoPayload, payload)));
  return ModelSignature{sigstore_bundle(payload, signature, pem).dump(), pem};
}

}  // namespace assay::formats
