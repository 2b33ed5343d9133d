// Bytes that are wiped when they go out of scope: seeds and the texts that they are read from.
#pragma once

#include <utility>

#include <openssl/crypto.h>

#include "toolkit/base/bytes.hpp"

namespace assay::formats {

/// Move-only. Holds more than a short string's inline room (16 bytes and up) on the heap, so that a move
/// leaves no copy.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(Bytes bytes) : bytes_(std::move(bytes)) {}
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~SecretBytes() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

  ByteView view() const { return bytes_; }
  Bytes& bytes() { return bytes_; }  ///< must not grow beyond what was reserved: a reallocation leaves a copy
  const unsigned char* data() const { return reinterpret_cast<const unsigned char*>(bytes_.data()); }
  std::size_t size() const { return bytes_.size(); }

 private:
  Bytes bytes_;
};

}  // namespace assay::formats
