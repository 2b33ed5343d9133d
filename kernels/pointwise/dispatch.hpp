// What pointwise.cpp and copy.cpp call: the CPU variants and the CUDA entry functions. Inside pointwise/
// only.
#pragma once

#include "kernels/core/variant.hpp"
#include "kernels/pointwise/job.hpp"

namespace assay::kernels {

/// 8 bytes that hold one element of any type: what fill writes.
struct Pattern {
  alignas(8) unsigned char bytes[8] = {};
};

/// Side of the squares of copy_tiles, in elements.
inline constexpr std::int64_t kCopyTile = 32;

ASSAY_VARIANTS(void pointwise_range(const Job& job, std::int64_t begin, std::int64_t end);
               void copy_range(const Job& job, std::int64_t begin, std::int64_t end);
               void copy_tiles(const Job& job, int d, std::int64_t begin, std::int64_t end);
               void fill_range(const Job& job, const Pattern& value, std::int64_t begin, std::int64_t end);
               void polar_range(const Job& job, std::int64_t begin, std::int64_t end);
               void complex_range(const Job& job, int op, std::int64_t begin, std::int64_t end))

#if defined(ASSAY_HAS_CUDA)
namespace cuda {
Status pointwise_unary(const Job& job, void* stream);
Status pointwise_binary(const Job& job, void* stream);
Status pointwise_ternary(const Job& job, void* stream);
Status copy(const Job& job, void* stream);
Status copy_tiles(const Job& job, int d, void* stream);
Status fill(const Job& job, const Pattern& value, void* stream);
Status polar(const Job& job, void* stream);
Status complex_pointwise(const Job& job, int op, void* stream);
}  // namespace cuda
#endif

}  // namespace assay::kernels
