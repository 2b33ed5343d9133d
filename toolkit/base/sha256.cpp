#include "toolkit/base/sha256.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

// The low-level calls are deprecated in OpenSSL 3, yet EVP takes longer to start and end a digest than the
// digest of a manifest line takes; a bundle has ten of them an item.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/sha256_lanes.hpp"

namespace assay {

std::string Digest::hex() const { return to_hex(view()); }

Result<Digest> Digest::from_hex(std::string_view text) {
  if (text.size() != 64)
    return Error{Fault::malformed, "a SHA-256 has 64 hex digits, found " + std::to_string(text.size()), "",
                 ""};
  Digest digest;
  if (!hex_to(text, reinterpret_cast<char*>(digest.bytes.data())))
    return Error{Fault::malformed, "not lower-case hex digits: \"" + std::string(text) + "\"", "", ""};
  return digest;
}

Digest sha256(std::string_view message) { return sha256(message, {}); }

Digest sha256(std::string_view a, std::string_view b, std::string_view c) {
  SHA256_CTX context;
  Digest digest;
  SHA256_Init(&context);
  SHA256_Update(&context, a.data(), a.size());
  if (!b.empty()) SHA256_Update(&context, b.data(), b.size());
  if (!c.empty()) SHA256_Update(&context, c.data(), c.size());
  SHA256_Final(digest.bytes.data(), &context);
  return digest;
}

struct Sha256::State {
  SHA256_CTX context;
  State() { SHA256_Init(&context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(std::string_view bytes) {
  SHA256_Update(&state_->context, bytes.data(), bytes.size());
  return *this;
}

Digest Sha256::finish() {
  Digest digest;
  SHA256_Final(digest.bytes.data(), &state_->context);
  SHA256_Init(&state_->context);
  return digest;
}

namespace {

std::string_view choose_path() {
  const char* forced = std::getenv("ASSAY_SHA256");
  if (forced && std::strcmp(forced, "openssl") == 0) return "openssl";
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
  const bool narrow = __builtin_cpu_supports("avx2");
  if (forced && std::strcmp(forced, "lanes16") == 0 && wide) return "lanes16";
  if (forced && std::strcmp(forced, "lanes8") == 0 && narrow) return "lanes8";
  // One core: SHA instructions 2 GB/s; without them 16 lanes 1.4, 8 lanes 0.6, OpenSSL's AVX2 code 0.2 to
  // 0.5.
  if (lanes::has_sha_instructions()) return "openssl";
  if (wide) return "lanes16";
  if (narrow) return "lanes8";
#endif
  return "openssl";
}

using LaneHash = void (*)(const std::string_view* messages, Digest* out);

// Below so many messages of one size, one after the other is faster than lanes that are mostly idle.
constexpr std::size_t kFewest = 4;

// Fewer messages than lanes: the first one fills the rest.
void hash_some(LaneHash hash, std::size_t width, std::span<const std::string_view> messages, Digest* out) {
  std::array<std::string_view, 16> filled;
  std::array<Digest, 16> digests;
  filled.fill(messages[0]);
  std::ranges::copy(messages, filled.begin());
  hash(filled.data(), digests.data());
  std::copy_n(digests.begin(), std::min(width, messages.size()), out);
}

}  // namespace

std::string_view sha256_path() {
  static const std::string_view path = choose_path();
  return path;
}

void sha256_many(std::span<const std::string_view> messages, std::span<Digest> out) {
  const std::string_view path = sha256_path();
  const std::size_t width = path == "lanes16" ? 16 : path == "lanes8" ? 8 : 0;
  const LaneHash hash = width == 16 ? lanes::hash16 : lanes::hash8;
  std::size_t i = 0;
  while (i < messages.size()) {
    std::size_t run = 1;
    while (run < width && i + run < messages.size() && messages[i + run].size() == messages[i].size()) ++run;
    if (run == width) {
      hash(&messages[i], &out[i]);
    } else if (width && run >= kFewest) {
      hash_some(hash, width, messages.subspan(i, run), &out[i]);
    } else {
      run = 1;
      out[i] = sha256(messages[i]);
    }
    i += run;
  }
}

}  // namespace assay
