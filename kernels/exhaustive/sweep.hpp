// All 2^32 fp32 inputs of a unary operator, in blocks of 2^20 that share their upper 12 bits; all 2^16 bf16
// inputs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/place.hpp"
#include "kernels/exhaustive/functions.hpp"
#include "kernels/pointwise/pointwise.hpp"

namespace assay::kernels::exhaustive {

inline constexpr std::uint32_t kBlocks = 4096;
inline constexpr std::int64_t kBlockSize = std::int64_t{1} << 20;

struct Swept {
  Op op;
  std::string name;
  std::vector<float> scalars;  ///< torch's defaults, where the row takes any
};
/// Every unary row without scalars, and the activations at their defaults.
std::vector<Swept> swept_operators();

/// The first 16 hex digits of the SHA-256 of a block's 2^20 results, little-endian fp32, for each of
/// `blocks`; empty when an operator failed. The bits are the same on every Place.
class Sweeper {
 public:
  Sweeper(bool cuda, int threads);
  ~Sweeper();
  Sweeper(const Sweeper&) = delete;
  Sweeper& operator=(const Sweeper&) = delete;
  std::vector<std::string> hashes(const Swept& one, std::span<const std::uint32_t> blocks);
  /// 64 hex digits over the 2^16 bf16 results; empty when the operator failed.
  std::string bf16_hash(const Swept& one);

 private:
  std::vector<std::string> batch(const Swept& one, std::span<const std::uint32_t> blocks);
  bool cuda_;
  int threads_;
  std::size_t width_;  ///< blocks of a batch
  std::vector<float> host_;
  float* device_ = nullptr;
};

struct Worst {
  double ulp = 0;
  float at = 0;
};
/// The largest error over `blocks`, on the CPU, `threads` at a time.
Worst largest_error(const Function& function, std::span<const std::uint32_t> blocks, int threads);

}  // namespace assay::kernels::exhaustive
