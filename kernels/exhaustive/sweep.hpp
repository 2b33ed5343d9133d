// All 2^32 fp32 inputs of a unary operator, in blocks of 2^20 that share their upper 12 bits; all 2^16 bf16
// inputs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/place.hpp"
#include "kernels/exhaustive/blocks.hpp"
#include "kernels/exhaustive/functions.hpp"
#include "kernels/pointwise/pointwise.hpp"

namespace assay::kernels::exhaustive {

struct Swept {
  Op op;
  std::string name;
  std::vector<float> scalars;  ///< torch's defaults, where the row takes any
};
/// Every unary row without scalars, and the activations at their defaults.
std::vector<Swept> swept_operators();

/// The hash of a block's 2^20 results (blocks.hpp), 16 hex digits, for each of `blocks`; empty when an
/// operator failed or memory is short. The same on every Place.
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
  using Hashes = std::vector<std::uint64_t>;
  Hashes on_cpu(const Swept& one, std::span<const std::uint32_t> blocks);
  Hashes on_cuda(const Swept& one, std::span<const std::uint32_t> blocks);
  bool cuda_;
  int threads_;
  std::size_t width_;        ///< blocks of a batch
  std::vector<float> host_;  ///< a batch's values, without CUDA
  float* device_ = nullptr;  ///< the same on the device
  std::uint64_t* device_hashes_ = nullptr;
  std::uint32_t* device_numbers_ = nullptr;
};

}  // namespace assay::kernels::exhaustive
