// Stable radix sorts of (key, value) pairs on the device, CUB's: the order is fully defined by the keys and
// by stability, so every correct stable sort gives these bits.
#pragma once

#include "kernels/core/place.hpp"

namespace assay::kernels {

/// By the lowest `bits` bits of the keys. The four arrays are different memory; scratch comes from the
/// workspace.
Status sort_pairs_cuda(const Place& place, const std::uint32_t* keys, std::uint32_t* sorted_keys,
                       const std::uint32_t* values, std::uint32_t* sorted_values, std::int64_t count,
                       int bits);
Status sort_pairs_cuda(const Place& place, const std::uint64_t* keys, std::uint64_t* sorted_keys,
                       const std::int64_t* values, std::int64_t* sorted_values, std::int64_t count, int bits);
/// Exclusive prefix sums: out[i] = in[0] + ... + in[i-1].
Status prefix_sums_cuda(const Place& place, const std::int64_t* in, std::int64_t* out, std::int64_t count);

}  // namespace assay::kernels
