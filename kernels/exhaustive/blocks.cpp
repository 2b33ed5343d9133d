#include "kernels/exhaustive/blocks.hpp"

namespace assay::kernels::exhaustive {

void fill_block(std::uint32_t number, float* values) {
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(kBlockSize); ++i)
    values[i] = float_of(number << 20 | i);
}

std::uint64_t hash_block(std::uint32_t number, const float* values) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(kBlockSize); ++i)
    sum += part_of_hash(number << 20 | i, values[i]);
  return sum;
}

#if !defined(ASSAY_HAS_CUDA)
bool fill_blocks_cuda(const std::uint32_t*, std::int64_t, float*) { return false; }
bool hash_blocks_cuda(const std::uint32_t*, std::int64_t, const float*, std::uint64_t*) { return false; }
#endif

}  // namespace assay::kernels::exhaustive
