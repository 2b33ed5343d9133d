#include "formats/ssh_wire.hpp"

#include <algorithm>

#include <openssl/crypto.h>

namespace assay::formats::ssh {

void put_string(Bytes& out, ByteView bytes) {
  put_u32_be(out, static_cast<std::uint32_t>(bytes.size()));
  out.append(bytes);
}

std::uint32_t Reader::u32() {
  const ByteView bytes = raw(4);
  return ok_ ? get_u32_be(bytes.data()) : 0;
}

ByteView Reader::string() {
  const std::uint32_t length = u32();
  return raw(length);
}

ByteView Reader::raw(std::size_t length) {
  if (!ok_ || length > left_.size()) {
    ok_ = false;
    left_ = {};
    return {};
  }
  const ByteView bytes = left_.substr(0, length);
  left_.remove_prefix(length);
  return bytes;
}

Bytes key_blob(const PublicKey& key) {
  Bytes blob;
  put_string(blob, kEd25519);
  put_string(blob, {reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()});
  return blob;
}

namespace {

std::optional<ByteView> second_string(ByteView blob, std::size_t length) {
  Reader reader(blob);
  const ByteView type = reader.string(), bytes = reader.string();
  if (!reader.done() || type != kEd25519 || bytes.size() != length) return std::nullopt;
  return bytes;
}

}  // namespace

std::optional<PublicKey> key_from_blob(ByteView blob) {
  const auto bytes = second_string(blob, 32);
  if (!bytes) return std::nullopt;
  PublicKey key;
  std::copy(bytes->begin(), bytes->end(), key.bytes.begin());
  return key;
}

Bytes signature_blob(ByteView signature) {
  Bytes blob;
  put_string(blob, kEd25519);
  put_string(blob, signature);
  return blob;
}

std::optional<Bytes> signature_from_blob(ByteView blob) {
  const auto bytes = second_string(blob, 64);
  if (!bytes) return std::nullopt;
  return Bytes(*bytes);
}

Result<Bytes> unarmour(std::string_view text, std::string_view begin, std::string_view end) {
  const std::size_t stop = text.find(end);
  if (!text.starts_with(begin) || stop == text.npos || stop < begin.size())
    return Error{Fault::malformed, "expected \"" + std::string(begin) + "\" ... \"" + std::string(end) + "\"",
                 "", ""};
  const std::string_view after = text.substr(stop + end.size());
  if (!after.empty() && after != "\n" && after != "\r\n")
    return Error{Fault::malformed, "bytes after \"" + std::string(end) + "\"", "", ""};
  Bytes digits;
  digits.reserve(stop);
  for (const char c : text.substr(begin.size(), stop - begin.size()))
    if (c != '\n' && c != '\r') digits += c;
  Result<Bytes> bytes = from_base64(digits);
  OPENSSL_cleanse(digits.data(), digits.size());
  return bytes;
}

std::string armour(ByteView bytes, std::string_view begin, std::string_view end) {
  constexpr std::size_t kColumns = 70;
  Bytes digits = to_base64(bytes);
  std::string text;
  text.reserve(begin.size() + end.size() + digits.size() + digits.size() / kColumns +
               8);  // and room for the caller's line feed
  text.append(begin).append("\n");
  for (std::size_t at = 0; at < digits.size(); at += kColumns) text.append(digits, at, kColumns).append("\n");
  OPENSSL_cleanse(digits.data(), digits.size());
  return text.append(end);
}

}  // namespace assay::formats::ssh
