// SHA-256 (FIPS 180-4). OpenSSL is the reference and the path for single messages; many equal-sized messages
// go side by side, one a vector lane, where the processor has no SHA instructions.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "toolkit/base/result.hpp"

namespace assay {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Digest&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 errs on <=>
  std::string hex() const;  ///< 64 lower-case digits
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
  static Result<Digest> from_hex(std::string_view text);  ///< exactly 64 lower-case digits
};

Digest sha256(std::string_view message);
/// SHA-256 of the concatenation, without making it.
Digest sha256(std::string_view a, std::string_view b, std::string_view c = {});

/// Incremental hashing. Not copyable.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256& update(std::string_view bytes);
  Digest finish();  ///< may be called once; then the object starts anew

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Digests of many messages, `out[i]` of `messages[i]`. Messages of equal length, in runs, are hashed in
/// vector lanes where that is faster; the result never depends on the path.
void sha256_many(std::span<const std::string_view> messages, std::span<Digest> out);

/// The path sha256_many takes: "openssl", "lanes8" (AVX2), "lanes16" (AVX-512). The environment variable
/// ASSAY_SHA256 forces one, for tests and benchmarks.
std::string_view sha256_path();

}  // namespace assay
