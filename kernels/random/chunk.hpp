// The CPU's unit of work: 64 blocks of words, and what they become.
#pragma once

#include "kernels/core/variant.hpp"
#include "kernels/random/job.hpp"

namespace assay::kernels {

inline constexpr int kChunkBlocks = 64;

/// The values of blocks first ... first + 63, 4 each, in order of the index.
ASSAY_VARIANTS(void random_chunk(const DrawJob& job, const StreamKey& key, std::uint64_t first,
                                 float* values))
/// Neighbours of a dropout, at most 4 * kChunkBlocks of them.
struct DropoutChunk {
  const void* x;
  void* out;
  std::uint8_t* kept;  ///< null: not wanted
  bool bf16;
  float keep, scale;
  std::int64_t count;
};
/// The elements of blocks first ... first + 63.
ASSAY_VARIANTS(void dropout_chunk(const DropoutChunk& chunk, const StreamKey& key, std::uint64_t first))
/// Integers of blocks first ... first + 63, 2 each.
ASSAY_VARIANTS(void random_integer_chunk(std::int64_t low, std::uint64_t range, const StreamKey& key,
                                         std::uint64_t first, std::int64_t* values))

}  // namespace assay::kernels
