#include "toolkit/rules/python_random.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

namespace assay::rules {

namespace {

constexpr std::size_t kSize = 624, kShiftSize = 397;
constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;

// SplitMix64's mixing: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

PythonRandom::PythonRandom(std::span<const std::uint32_t> key) {
  state_[0] = 19650218U;
  for (std::uint32_t i = 1; i < kSize; ++i)
    state_[i] = 1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  std::size_t i = 1, j = 0;
  const auto wrap = [&] {
    if (++i < kSize) return;
    state_[0] = state_[kSize - 1];
    i = 1;
  };
  for (std::size_t k = std::max(kSize, key.size()); k; --k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525U)) + key[j] +
                static_cast<std::uint32_t>(j);
    wrap();
    if (++j >= key.size()) j = 0;
  }
  for (std::size_t k = kSize - 1; k; --k) {
    state_[i] =
        (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941U)) - static_cast<std::uint32_t>(i);
    wrap();
  }
  state_[0] = 0x80000000U;
}

PythonRandom PythonRandom::of_seed(std::uint64_t seed) {
  const std::uint32_t key[2] = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  return PythonRandom(std::span(key, key[1] ? 2 : 1));
}

void PythonRandom::refill() {
  for (std::size_t i = 0; i < kSize; ++i) {
    const std::uint32_t y = (state_[i] & 0x80000000U) | (state_[(i + 1) % kSize] & 0x7fffffffU);
    state_[i] = state_[(i + kShiftSize) % kSize] ^ (y >> 1) ^ ((y & 1) ? 0x9908b0dfU : 0);
  }
  at_ = 0;
}

std::uint32_t PythonRandom::word() {
  if (at_ >= kSize) refill();
  std::uint32_t y = state_[at_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680U;
  y ^= (y << 15) & 0xefc60000U;
  return y ^ (y >> 18);
}

double PythonRandom::random() {
  const std::uint32_t a = word() >> 5, b = word() >> 6;
  return (a * 67108864.0 + b) * (1.0 / 9007199254740992.0);
}

std::uint64_t PythonRandom::below(std::uint64_t n) {
  const auto bits = static_cast<unsigned>(std::bit_width(n));
  for (;;) {
    std::uint64_t drawn = 0;
    if (bits <= 32) {
      drawn = word() >> (32 - bits);
    } else {
      const std::uint64_t low = word();
      drawn = low | static_cast<std::uint64_t>(word() >> (64 - bits)) << 32;
    }
    if (drawn < n) return drawn;
  }
}

std::vector<std::size_t> PythonRandom::sample(std::size_t n, std::size_t k) {
  double most = 21;  // of a pool, beside which a set is smaller
  if (k > 5) most += std::pow(4, std::ceil(std::log(static_cast<double>(k) * 3) / std::log(4.0)));
  std::vector<std::size_t> drawn;
  if (static_cast<double>(n) <= most) {
    std::vector<std::size_t> pool(n);
    for (std::size_t i = 0; i < n; ++i) pool[i] = i;
    for (std::size_t i = 0; i < k; ++i) {
      const std::size_t j = below(n - i);
      drawn.push_back(pool[j]);
      pool[j] = pool[n - i - 1];
    }
    return drawn;
  }
  std::set<std::size_t> seen;
  while (drawn.size() < k)
    if (const std::size_t j = below(n); seen.insert(j).second) drawn.push_back(j);
  return drawn;
}

std::size_t PythonRandom::choices(const std::vector<double>& weights) {
  std::vector<double> sums;
  double sum = 0;
  for (const double weight : weights) sums.push_back(sum = sums.empty() ? weight : sum + weight);
  const double at = random() * (sums.back() + 0.0);
  return static_cast<std::size_t>(std::upper_bound(sums.begin(), sums.end() - 1, at) - sums.begin());
}

double python_sum(const std::vector<double>& values, bool compensated) {
  double sum = 0, lost = 0;
  for (const double value : values) {
    const double next = sum + value;
    if (compensated) lost += std::fabs(sum) >= std::fabs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
  }
  return compensated && lost != 0 && std::isfinite(lost) ? sum + lost : sum;
}

std::uint64_t recorded_word(std::uint64_t seed, std::uint64_t n) {
  return mix(mix(seed + kStep) + kStep * (1 + n));
}

PythonRandom python_random_of_record(std::uint64_t seed, std::uint64_t words) {
  std::array<std::uint32_t, kSize> key{};
  for (std::size_t i = 0; i < kSize; i += 2) {
    const std::uint64_t word = recorded_word(seed, words + i / 2);
    key[i] = static_cast<std::uint32_t>(word);
    key[i + 1] = static_cast<std::uint32_t>(word >> 32);
  }
  return PythonRandom(key);
}

}  // namespace assay::rules
