// CPython's `random.Random`: the Mersenne Twister MT19937 (Matsumoto, Nishimura, 1998; init_by_array of 2002)
// and what Lib/random.py makes of it, the same from 3.8 on. And the stream of system randomness that `assay
// record --deterministic` gives a program, from which CPython seeds its generator where nobody else does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace assay::rules {

class PythonRandom {
 public:
  explicit PythonRandom(std::span<const std::uint32_t> key);
  static PythonRandom of_seed(std::uint64_t seed);  ///< random.seed(seed)

  std::uint32_t word();
  double random();                                                ///< [0, 1), 53 bits
  std::uint64_t below(std::uint64_t n);                           ///< _randbelow: by rejection; n from 1
  std::size_t choice(std::size_t n) { return below(n); }          ///< the place of choice()
  std::vector<std::size_t> sample(std::size_t n, std::size_t k);  ///< places; k at most n
  std::size_t choices(const std::vector<double>& weights);        ///< one place of choices(weights, k=1)

 private:
  void refill();
  std::array<std::uint32_t, 624> state_{};
  std::size_t at_ = 624;
};

/// sum() of floats: with compensation since CPython 3.12.
double python_sum(const std::vector<double>& values, bool compensated);

/// Word `n` of the random stream of a recorded program's first process (replay/search/preload/random.cpp).
std::uint64_t recorded_word(std::uint64_t seed, std::uint64_t n);
/// The generator of a process that imported `random` after `words` words of that stream: seeded by 2,496
/// bytes of it.
PythonRandom python_random_of_record(std::uint64_t seed, std::uint64_t words);

}  // namespace assay::rules
