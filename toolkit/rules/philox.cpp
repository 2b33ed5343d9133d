#include "toolkit/rules/philox.hpp"

#include <algorithm>
#include <numeric>

namespace assay::rules {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0],
                        b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

std::uint32_t PhiloxStream::word() {
  if (at_ % 4 == 0)
    block_ = philox({at_ / 4, attempt_, number_, static_cast<std::uint32_t>(use_)},
                    {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
  return block_[at_++ % 4];
}

std::uint32_t PhiloxStream::below(std::uint32_t count) {
  const std::uint64_t all = std::uint64_t{1} << 32, limit = all - all % count;
  std::uint32_t drawn = word();
  while (drawn >= limit) drawn = word();
  return drawn % count;
}

double PhiloxStream::unit() { return word() / 4294967296.0; }

std::size_t PhiloxStream::weighted(std::span<const double> weights) {
  double sum = 0, running = 0;
  for (const double weight : weights) sum += weight;
  const double wanted = unit() * sum;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    running += weights[i];
    if (running > wanted) return i;
    if (weights[i] > 0) last = i;
  }
  return last;
}

std::vector<std::size_t> PhiloxStream::sample(std::size_t size, std::size_t count) {
  std::vector<std::size_t> left(size), drawn;
  std::iota(left.begin(), left.end(), std::size_t{0});
  while (drawn.size() < count && !left.empty()) {
    const std::size_t at = below(static_cast<std::uint32_t>(left.size()));
    drawn.push_back(left[at]);
    left[at] = left.back();
    left.pop_back();
  }
  return drawn;
}

}  // namespace assay::rules
