#include "formats/withheld.hpp"

#include <sys/random.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "formats/openssl_start.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/files.hpp"

namespace assay::formats {

Result<std::string> load_salt_secret(const std::filesystem::path& path) {
  if (!fs::exists(path)) {
    std::string secret(32, '\0');
    if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size()))
      return Error{Fault::unreadable, "no random bytes from the system", path.string(), ""};
    ASSAY_TRY(write_file(path, to_hex(secret) + "\n", Existing::refuse, 0600));
    return secret;
  }
  const std::string text = ASSAY_TRY(read_file(path, 1 << 16));
  Result<Bytes> secret =
      from_hex(text.ends_with('\n') ? std::string_view(text).substr(0, text.size() - 1) : text);
  if (!secret || secret->size() != 32)
    return Error{Fault::malformed, "not a salts file: expected 64 hex digits", path.string(),
                 "name a file that does not exist to have one made"};
  return secret;
}

Digest item_salt(std::string_view secret, std::string_view name) {
  Digest salt;
  start_openssl();
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(name.data()), name.size(), salt.bytes.data(), nullptr);
  return salt;
}

WithheldHasher::WithheldHasher(const Digest& salt, const ItemType& type) {
  hash_.update(std::string_view("assay-withheld-v1\0", 18))
      .update(salt.view())
      .update(type.text())
      .update(std::string_view("\0", 1));
}

std::string Disclosure::encode() const {
  return Json::object({{"assay", "disclosure"},
                       {"version", 1},
                       {"name", escape_name(name)},
                       {"type", type.text()},
                       {"salt", salt.hex()}})
             .dump_canonical() +
         "\n";
}

Result<Disclosure> Disclosure::decode(std::string_view text) {
  const Json json = ASSAY_TRY(Json::parse(text));
  if (json["assay"].string_or("") != "disclosure" || json["version"].integer() != 1)
    return Error{Fault::malformed, "not a disclosure of version 1", "", ""};
  Disclosure out;
  out.name = ASSAY_TRY(unescape_name(json["name"].string_or("")));
  out.type = ASSAY_TRY(ItemType::parse(json["type"].string_or("")));
  out.salt = ASSAY_TRY(Digest::from_hex(json["salt"].string_or("")));
  return out;
}

ContentDigest Disclosure::digest(std::string_view content) const {
  WithheldHasher hasher(salt, type);
  hasher.update(content);
  return hasher.finish();
}

}  // namespace assay::formats
