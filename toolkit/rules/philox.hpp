// Counter-based random numbers for what a search decides: Philox 4x32-10 (Salmon, Moraes, Dror and Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", SC'11). A draw is a function of seed, use, number and
// position alone, so no order of work can change it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace assay::rules {

/// The block of four words at `counter` under `key`.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// What a stream is for: two uses never share a number.
enum class StreamUse : std::uint32_t { sampler = 1, proposal = 2, sample = 3 };

/// Word i of the stream (seed, use, number, attempt): word i % 4 of the block with counter (i / 4, attempt,
/// number, use) and key seed, low half first.
class PhiloxStream {
 public:
  PhiloxStream(std::uint64_t seed, StreamUse use, std::uint32_t number, std::uint32_t attempt = 0)
      : seed_(seed), use_(use), number_(number), attempt_(attempt) {}

  std::uint32_t word();
  /// From 0 to count - 1, each as likely: words from floor(2^32 / count) * count up are passed over. count >
  /// 0.
  std::uint32_t below(std::uint32_t count);
  double unit();  ///< word / 2^32: from 0 to below 1
  /// Position of a share of `weights`, which are finite and not negative, their sum above 0: the first whose
  /// running sum, from the left, is above unit() * sum.
  std::size_t weighted(std::span<const double> weights);
  /// `count` of 0 to size - 1 without replacement, at most `size`, in the order drawn: each draw takes one
  /// of those left and the last one of them moves to its place.
  std::vector<std::size_t> sample(std::size_t size, std::size_t count);

 private:
  std::uint64_t seed_;
  StreamUse use_;
  std::uint32_t number_, attempt_;
  std::uint32_t at_ = 0;
  std::array<std::uint32_t, 4> block_{};
};

}  // namespace assay::rules
