// Words and values by the chunk, in loops that the compiler turns into vectors.
#include "kernels/core/variant.hpp"
#include "kernels/random/chunk.hpp"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace assay::kernels::ASSAY_VARIANT {

namespace {

// Word k of all the chunk's blocks lies in w[k]: a lane a block.
struct Lanes {
  std::uint32_t w[4][kChunkBlocks];
};

#if defined(__AVX512F__)
// With a mask of all lanes: the forms without one start from a vector that g++ 12 takes for uninitialised.
ASSAY_HD __m512i product(__m512i a, __m512i b) { return _mm512_maskz_mul_epu32(0xff, a, b); }
ASSAY_HD __m512i high(__m512i a) { return _mm512_maskz_srli_epi64(0xff, a, 32); }

ASSAY_HD __m512i exclusive_or(__m512i a, __m512i b, __m512i c) {
  return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

// Eight blocks, each in a lane of 64 bits. A product takes the low halves alone, so what stands above them
// may be anything.
void fill_words(const StreamKey& key, std::uint64_t first, Lanes& lanes) {
  const __m512i a_factor = _mm512_set1_epi64(0xD2511F53), b_factor = _mm512_set1_epi64(0xCD9E8D57);
  const auto call = static_cast<long long>(key.call), step = static_cast<long long>(key.step);
  long long round_keys[10][2];
  for (std::uint64_t r = 0; r < 10; ++r) {
    const std::uint64_t even = key.seed + r * 0x9E3779B9, odd = (key.seed >> 32) + r * 0xBB67AE85;
    round_keys[r][0] = static_cast<long long>(even);
    round_keys[r][1] = static_cast<long long>(odd);
  }
  for (int j = 0; j < kChunkBlocks; j += 8) {
    const __m512i block = _mm512_add_epi64(_mm512_set1_epi64(static_cast<long long>(first) + j),
                                           _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    __m512i w[4] = {block, high(block), _mm512_set1_epi64(call), _mm512_set1_epi64(step)};
#pragma GCC unroll 10
    for (const auto& keys : round_keys) {
      const __m512i a = product(w[0], a_factor), b = product(w[2], b_factor);
      w[0] = exclusive_or(high(b), w[1], _mm512_set1_epi64(keys[0]));
      w[2] = exclusive_or(high(a), w[3], _mm512_set1_epi64(keys[1]));
      w[1] = b, w[3] = a;
    }
    for (int k = 0; k < 4; ++k)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes.w[k] + j),
                          _mm512_maskz_cvtepi64_epi32(0xff, w[k]));
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
