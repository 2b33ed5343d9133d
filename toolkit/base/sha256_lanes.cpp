// Plain GCC vector types: the compiler does the register work, and one template serves both widths. FIPS
// 180-4, 6.2.2.
#include "toolkit/base/sha256_lanes.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "toolkit/base/sha256.hpp"

namespace assay::lanes {

#if defined(__x86_64__)

// The vector functions below are inlined into callers that have the instructions; no call passes a vector.
#pragma GCC diagnostic ignored "-Wpsabi"

bool has_sha_instructions() {
  // OPENSSL_ia32cap can switch them off for OpenSSL alone (tests and benchmarks do); then OpenSSL is slow
  // here too.
  if (const char* cap = std::getenv("OPENSSL_ia32cap"); cap && std::strstr(cap, "~0x20000000")) return false;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1);
}

namespace {

constexpr std::array<std::uint32_t, 64> kRound = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
constexpr std::array<std::uint32_t, 8> kStart = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

using V8 __attribute__((vector_size(32))) = std::uint32_t;
using V16 __attribute__((vector_size(64))) = std::uint32_t;

#define ASSAY_INLINE __attribute__((always_inline)) inline

template <typename V>
ASSAY_INLINE V rotate(V x, int n) {
  return (x >> n) | (x << (32 - n));
}

// Word t of the block of every lane, big-endian to native.
template <typename V, unsigned kLanes>
ASSAY_INLINE void load_block(const unsigned char* const* at, V* w) {
  for (unsigned t = 0; t < 16; ++t) {
    V word;
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      std::uint32_t value;
      std::memcpy(&value, at[lane] + std::size_t{4} * t, 4);
      word[lane] = __builtin_bswap32(value);
    }
    w[t] = word;
  }
}

template <typename V>
ASSAY_INLINE void compress(V* state, V* w) {
  V a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6],
    h = state[7];
#pragma GCC unroll 64
  for (unsigned t = 0; t < 64; ++t) {
    if (t >= 16) {
      const V w15 = w[(t - 15) & 15], w2 = w[(t - 2) & 15];
      w[t & 15] += w[(t - 7) & 15] + (rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >> 3)) +
                   (rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >> 10));
    }
    const V t1 =
        h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (g ^ (e & (f ^ g))) + kRound[t] + w[t & 15];
    const V t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b)));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g,
      state[7] += h;
}

// The padded tail of one message: the bytes of the last partial block, 0x80, zeros, the length in bits.
struct Tail {
  unsigned char bytes[128] = {};
  unsigned blocks = 1;

  void fill(std::string_view message) {
    const std::size_t rest = message.size() % 64;
    if (rest) std::memcpy(bytes, message.data() + message.size() - rest, rest);
    bytes[rest] = 0x80;
    blocks = rest < 56 ? 1 : 2;
    const std::uint64_t bits = static_cast<std::uint64_t>(message.size()) * 8;
    for (unsigned i = 0; i < 8; ++i) bytes[64 * blocks - 1 - i] = static_cast<unsigned char>(bits >> 8 * i);
  }
};

template <typename V, unsigned kLanes>
ASSAY_INLINE void hash_lanes(const std::string_view* messages, Digest* out) {
  V state[8], w[16];
  for (unsigned i = 0; i < 8; ++i) state[i] = V{} + kStart[i];
  const unsigned char* at[kLanes];
  for (unsigned lane = 0; lane < kLanes; ++lane)
    at[lane] = reinterpret_cast<const unsigned char*>(messages[lane].data());
  const std::size_t whole = messages[0].size() / 64;
  for (std::size_t block = 0; block < whole; ++block) {
    load_block<V, kLanes>(at, w);
    compress(state, w);
    for (unsigned lane = 0; lane < kLanes; ++lane) at[lane] += 64;
  }
  Tail tails[kLanes];
  for (unsigned lane = 0; lane < kLanes; ++lane)
    tails[lane].fill(messages[lane]), at[lane] = tails[lane].bytes;
  for (unsigned block = 0; block < tails[0].blocks; ++block) {
    load_block<V, kLanes>(at, w);
    compress(state, w);
    for (unsigned lane = 0; lane < kLanes; ++lane) at[lane] += 64;
  }
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    for (unsigned i = 0; i < 8; ++i) {
      const std::uint32_t word = __builtin_bswap32(state[i][lane]);
      std::memcpy(out[lane].bytes.data() + std::size_t{4} * i, &word, 4);
    }
  }
}

}  // namespace

__attribute__((target("avx512f,avx512bw,avx512vl"))) void hash16(const std::string_view* messages,
                                                                 Digest* out) {
  hash_lanes<V16, 16>(messages, out);
}

__attribute__((target("avx2"))) void hash8(const std::string_view* messages, Digest* out) {
  hash_lanes<V8, 8>(messages, out);
}

#else

bool has_sha_instructions() { return true; }
void hash16(const std::string_view* messages, Digest* out) {
  for (unsigned i = 0; i < 16; ++i) out[i] = sha256(messages[i]);
}
void hash8(const std::string_view* messages, Digest* out) {
  for (unsigned i = 0; i < 8; ++i) out[i] = sha256(messages[i]);
}

#endif

}  // namespace assay::lanes
