// Philox 4x32-10 and how a random call's words are numbered (docs/determinism.md, R6). One source for host
// and device. Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
#pragma once

#include "kernels/core/hd.hpp"

namespace assay::kernels {

struct Words {
  std::uint32_t w[4];
};

ASSAY_HD Words philox(Words counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter.w[0],
                        b = std::uint64_t{0xCD9E8D57} * counter.w[2];
    counter =
        Words{{static_cast<std::uint32_t>(b >> 32) ^ counter.w[1] ^ key0, static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter.w[3] ^ key1, static_cast<std::uint32_t>(a)}};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return counter;
}

/// What one random call is keyed by: the generator's state as the call found it.
struct StreamKey {
  std::uint64_t seed, step, call;
};

/// Words 4 * block to 4 * block + 3 of the call's stream.
ASSAY_HD Words block_of(const StreamKey& key, std::uint64_t block) {
  return philox(Words{{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                       static_cast<std::uint32_t>(key.call), static_cast<std::uint32_t>(key.step)}},
                static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32));
}

}  // namespace assay::kernels
