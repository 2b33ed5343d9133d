// The benchmarks' own random numbers: the standard library's distributions differ between implementations,
// and a benchmark's input must not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace assay::bench {

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// In [0, n), n > 0: the high half of a product (bias below n / 2^64).
  std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64);
  }
  bool chance(unsigned per_mille) { return below(1000) < per_mille; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }  ///< [0, 1)
  std::string_view pick(std::span<const std::string_view> words) { return words[below(words.size())]; }

 private:
  std::uint64_t state_;
};

}  // namespace assay::bench
