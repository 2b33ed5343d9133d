// The binary encoding that SSH uses everywhere (RFC 4251, section 5): big-endian u32, and strings of u32
// length + bytes.
#pragma once

#include <cstdint>
#include <optional>

#include "formats/keys.hpp"
#include "toolkit/base/bytes.hpp"

namespace assay::formats::ssh {

inline constexpr std::string_view kEd25519 = "ssh-ed25519";

void put_string(Bytes& out, ByteView bytes);

/// Reads from the front. Once something does not fit, ok() is false and every later read gives zero or
/// nothing.
class Reader {
 public:
  explicit Reader(ByteView bytes) : left_(bytes) {}
  std::uint32_t u32();
  ByteView string();
  ByteView raw(std::size_t length);
  ByteView rest() const { return left_; }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && left_.empty(); }

 private:
  ByteView left_;
  bool ok_ = true;
};

Bytes key_blob(const PublicKey& key);                     ///< str "ssh-ed25519", str 32 bytes
std::optional<PublicKey> key_from_blob(ByteView blob);    ///< nothing unless it is exactly such a blob
Bytes signature_blob(ByteView signature);                 ///< str "ssh-ed25519", str 64 bytes
std::optional<Bytes> signature_from_blob(ByteView blob);  ///< the 64 bytes

/// The base64 between `begin` and `end` lines, its line feeds removed. Nothing may follow `end` but one line
/// feed.
Result<Bytes> unarmour(std::string_view text, std::string_view begin, std::string_view end);
std::string armour(ByteView bytes, std::string_view begin,
                   std::string_view end);  ///< 70 columns, no final LF

}  // namespace assay::formats::ssh
