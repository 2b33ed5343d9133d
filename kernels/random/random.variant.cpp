// Words and values by the chunk, in loops that the compiler turns into vectors.
#include "kernels/core/variant.hpp"
#include "kernels/random/chunk.hpp"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace assay::kernels::ASSAY_VARIANT {

namespace {

// Word k of all the chunk's blocks lies in w[k]: a lane a block.
struct Lanes {
  std::uint32_t w[4][kChunkBlocks];
};

// Blocks in lanes of 64 bits. A product takes the low halves alone, so what stands above them may be
// anything.
#if defined(__AVX512F__)
using Blocks = __m512i;
// With a mask of all lanes: the forms without one start from a vector that g++ 12 takes for uninitialised.
ASSAY_HD Blocks product(Blocks a, Blocks b) { return _mm512_maskz_mul_epu32(0xff, a, b); }
ASSAY_HD Blocks high(Blocks a) { return _mm512_maskz_srli_epi64(0xff, a, 32); }
ASSAY_HD Blocks exclusive_or(Blocks a, Blocks b, Blocks c) {
  return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}
ASSAY_HD Blocks all(std::uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
ASSAY_HD Blocks from(std::uint64_t x) {
  return _mm512_add_epi64(all(x), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
}
ASSAY_HD void store_low(std::uint32_t* to, Blocks a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_maskz_cvtepi64_epi32(0xff, a));
}
#elif defined(__AVX2__)
using Blocks = __m256i;
ASSAY_HD Blocks product(Blocks a, Blocks b) { return _mm256_mul_epu32(a, b); }
ASSAY_HD Blocks high(Blocks a) { return _mm256_srli_epi64(a, 32); }
ASSAY_HD Blocks exclusive_or(Blocks a, Blocks b, Blocks c) {
  return _mm256_xor_si256(_mm256_xor_si256(b, c), a);
}
ASSAY_HD Blocks all(std::uint64_t x) { return _mm256_set1_epi64x(static_cast<long long>(x)); }
ASSAY_HD Blocks from(std::uint64_t x) { return _mm256_add_epi64(all(x), _mm256_setr_epi64x(0, 1, 2, 3)); }
ASSAY_HD void store_low(std::uint32_t* to, Blocks a) {
  const __m256i packed = _mm256_permutevar8x32_epi32(a, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
}
#endif

#if defined(__AVX2__)
// Each round waits for the one before: registers of blocks go through them side by side.
void fill_words(const StreamKey& key, std::uint64_t first, Lanes& lanes) {
  constexpr int kSideBySide = 2, kEach = sizeof(Blocks) / 8;
  const Blocks a_factor = all(0xD2511F53), b_factor = all(0xCD9E8D57);
  std::uint64_t round_keys[10][2];
  for (std::uint64_t r = 0; r < 10; ++r) {
    round_keys[r][0] = key.seed + r * 0x9E3779B9;
    round_keys[r][1] = (key.seed >> 32) + r * 0xBB67AE85;
  }
  for (int j = 0; j < kChunkBlocks; j += kSideBySide * kEach) {
    Blocks w[kSideBySide][4];
#pragma GCC unroll 4
    for (int g = 0; g < kSideBySide; ++g) {
      const Blocks block = from(first + static_cast<std::uint64_t>(j + g * kEach));
      w[g][0] = block, w[g][1] = high(block), w[g][2] = all(key.call), w[g][3] = all(key.step);
    }
#pragma GCC unroll 10
    for (const auto& keys : round_keys)
#pragma GCC unroll 4
      for (auto& x : w) {
        const Blocks a = product(x[0], a_factor), b = product(x[2], b_factor);
        x[0] = exclusive_or(high(b), x[1], all(keys[0]));
        x[2] = exclusive_or(high(a), x[3], all(keys[1]));
        x[1] = b, x[3] = a;
      }
#pragma GCC unroll 4
    for (int g = 0; g < kSideBySide; ++g)
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) store_low(lanes.w[k] + j + g * kEach, w[g][k]);
  }
}
#else
void fill_words(const StreamKey& key, std::uint64_t first, Lanes& lanes) {
  const auto seed0 = static_cast<std::uint32_t>(key.seed), seed1 = static_cast<std::uint32_t>(key.seed >> 32);
  for (int j = 0; j < kChunkBlocks; ++j) {
    const std::uint64_t block = first + static_cast<std::uint64_t>(j);
    const Words words =
        philox(Words{{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                      static_cast<std::uint32_t>(key.call), static_cast<std::uint32_t>(key.step)}},
               seed0, seed1);
    for (int k = 0; k < 4; ++k) lanes.w[k][j] = words.w[k];
  }
}
#endif

template <typename F>
__attribute__((always_inline)) inline void each_word(const Lanes& lanes, float* values, F&& f) {
  for (int j = 0; j < kChunkBlocks; ++j)
    for (int k = 0; k < 4; ++k) values[4 * j + k] = f(lanes.w[k][j]);
}

void normals(const DrawJob& job, const Lanes& lanes, float* values) {
  float out[4][kChunkBlocks];
  const float a = job.a, b = job.b;
  for (int k = 0; k < 4; k += 2)
    for (int j = 0; j < kChunkBlocks; ++j) {
      const Pair pair = normal_pair(lanes.w[k][j], lanes.w[k + 1][j]);
      out[k][j] = pair.first * a + b;
      out[k + 1][j] = pair.second * a + b;
    }
  for (int j = 0; j < kChunkBlocks; ++j)
    for (int k = 0; k < 4; ++k) values[4 * j + k] = out[k][j];
}

}  // namespace

void random_chunk(const DrawJob& given, const StreamKey& key, std::uint64_t first, float* values) {
  Lanes lanes;
  fill_words(key, first, lanes);
  const DrawJob job = given;  // a copy of our own: nothing that is written can alias it
  switch (job.draw) {
    case Draw::uniform24:
      return each_word(lanes, values, [job](std::uint32_t w) { return uniform_of(job, unit24(w), false); });
    case Draw::uniform8:
      return each_word(lanes, values, [job](std::uint32_t w) { return uniform_of(job, unit8(w), true); });
    case Draw::bernoulli:
      return each_word(lanes, values, [](std::uint32_t w) { return unit24(w); });
    case Draw::exponential:
      return each_word(lanes, values, [job](std::uint32_t w) { return exponential_of(w) / job.a; });
    default:
      return normals(job, lanes, values);
  }
}

namespace {

template <typename T>
void drop(const DropoutChunk& chunk, const float* u) {
  const T* const x = static_cast<const T*>(chunk.x);
  T* const out = static_cast<T*>(chunk.out);
  std::uint8_t* const kept = chunk.kept;
  const float keep = chunk.keep, scale = chunk.scale;
  for (std::int64_t i = 0; i < chunk.count; ++i) {
    const float noise = u[i] < keep ? scale : 0.0F;
    if constexpr (sizeof(T) == 2) {
      out[i] = to_bf16(from_bf16(x[i]) * noise);
    } else {
      const float v = x[i] * noise;
      out[i] = v == v ? v : float_of(kNan32);
    }
  }
  if (!kept) return;
  for (std::int64_t i = 0; i < chunk.count; ++i) kept[i] = u[i] < keep;
}

}  // namespace

void dropout_chunk(const DropoutChunk& chunk, const StreamKey& key, std::uint64_t first) {
  float u[4 * kChunkBlocks];
  random_chunk({Draw::bernoulli, chunk.keep}, key, first, u);
  if (chunk.bf16)
    drop<std::uint16_t>(chunk, u);
  else
    drop<float>(chunk, u);
}

void random_integer_chunk(std::int64_t low, std::uint64_t range, const StreamKey& key, std::uint64_t first,
                          std::int64_t* values) {
  Lanes lanes;
  fill_words(key, first, lanes);
  for (int j = 0; j < kChunkBlocks; ++j)
    for (int k = 0; k < 4; k += 2)
      values[2 * j + k / 2] = static_cast<std::int64_t>(
          static_cast<std::uint64_t>(low) + integer_below(lanes.w[k][j], lanes.w[k + 1][j], range));
}

}  // namespace assay::kernels::ASSAY_VARIANT
