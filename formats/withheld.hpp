// Withheld items: a salted digest is sealed, the author keeps content and salt (docs/formats/bundle.md,
// "Withheld items").
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "formats/item.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

/// The author's 32 secret bytes from `path` (64 hex digits and a line feed, mode 0600), made there on first
/// use.
Result<std::string> load_salt_secret(const std::filesystem::path& path);
/// HMAC-SHA256(secret, name): each item's salt can be told without telling the others.
Digest item_salt(std::string_view secret, std::string_view name);
/// Takes content in parts: SHA-256("assay-withheld-v1" 0x00 || salt || type 0x00 || content).
class WithheldHasher {
 public:
  WithheldHasher(const Digest& salt, const ItemType& type);
  void update(std::string_view content) { hash_.update(content); }
  ContentDigest finish() { return {false, hash_.finish()}; }

 private:
  Sha256 hash_;
};

/// What an author gives out to disclose one item: {"assay": "disclosure", "version": 1, "name", "type",
/// "salt"}. The content goes beside it.
struct Disclosure {
  std::string name;
  ItemType type;
  Digest salt;

  std::string encode() const;  ///< canonical JSON
  static Result<Disclosure> decode(std::string_view json);
  /// The digest that the manifest must have for this content.
  ContentDigest digest(std::string_view content) const;
};

}  // namespace assay::formats
