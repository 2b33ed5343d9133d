// A checkpoint of random weights, for the benchmarks of large content.
#pragma once

#include <cstdint>
#include <string>

namespace assay::bench {

/// A safetensors file of fp32 tensors of several sizes, `bytes` of data in all (rounded down to 4): values
/// are sums of four uniform 16-bit numbers, so about normal, scaled to a standard deviation near 0.02, as
/// freshly made weights are.
bool write_checkpoint(const std::string& path, std::uint64_t bytes, std::uint64_t seed);

}  // namespace assay::bench
