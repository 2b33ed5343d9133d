// Words and values by the chunk, in loops that the compiler turns into vectors.
#include "kernels/core/variant.hpp"
#include "kernels/random/chunk.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

// Word k of all the chunk's blocks lies in w[k]: a lane a block.
struct Lanes {
  std::uint32_t w[4][kChunkBlocks];
};

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
