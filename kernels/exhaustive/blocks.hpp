// Inputs and hashes of blocks of 2^20 fp32 inputs, on the host and on the device.
#pragma once

#include <cstdint>

#include "kernels/core/hd.hpp"

namespace assay::kernels::exhaustive {

inline constexpr std::uint32_t kBlocks = 4096;
inline constexpr std::int64_t kBlockSize = std::int64_t{1} << 20;

/// The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA'14, section 4): a bijection of 64 bits.
ASSAY_HD std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}
/// One result's part of its block's hash. The hash is the sum of these modulo 2^64: any order gives it, so a
/// GPU makes it at the speed of its memory, and one changed bit always changes it.
ASSAY_HD std::uint64_t part_of_hash(std::uint32_t input, float result) {
  return mixed(std::uint64_t{input} << 32 | bits_of(result));
}

/// Block `number` holds the inputs whose upper 12 bits are `number`. `values`: kBlockSize floats.
void fill_block(std::uint32_t number, float* values);
std::uint64_t hash_block(std::uint32_t number, const float* values);

/// The same on the device for `count` blocks one after another. `numbers`, `values`, `hashes` are device
/// memory. False when a launch fails, and without CUDA.
bool fill_blocks_cuda(const std::uint32_t* numbers, std::int64_t count, float* values);
bool hash_blocks_cuda(const std::uint32_t* numbers, std::int64_t count, const float* values,
                      std::uint64_t* hashes);

}  // namespace assay::kernels::exhaustive
