#include "kernels/random/draws.hpp"
#include "kernels/random/philox.hpp"
#include "kernels/random/random.hpp"

namespace assay::kernels::reference {

namespace {
std::uint32_t word_at(const RandomState& state, std::int64_t index) {
  const Words words = block_of({state.seed, state.step, state.call}, static_cast<std::uint64_t>(index) / 4);
  return words.w[index % 4];
}
}  // namespace

float uniform_at(const RandomState& state, std::int64_t index, double low, double high, bool bf16) {
  const std::uint32_t w = word_at(state, index);
  const float u = bf16 ? unit8(w) : unit24(w);
  const float product = u * static_cast<float>(high - low);
  float x = product + static_cast<float>(low);
  float top = static_cast<float>(high);
  if (bf16) x = from_bf16(to_bf16(x)), top = from_bf16(to_bf16(top));
  return x >= top ? static_cast<float>(low) : x;
}

float normal_at(const RandomState& state, std::int64_t index, double mean, double deviation) {
  const std::int64_t even = index / 2 * 2;
  const Pair pair = normal_pair(word_at(state, even), word_at(state, even + 1));
  const float z = index == even ? pair.first : pair.second;
  const float scaled = z * static_cast<float>(deviation);
  return scaled + static_cast<float>(mean);
}

float exponential_at(const RandomState& state, std::int64_t index, double rate) {
  return exponential_of(word_at(state, index)) / static_cast<float>(rate);
}

bool bernoulli_at(const RandomState& state, std::int64_t index, float p) {
  return unit24(word_at(state, index)) < p;
}

std::int64_t integer_at(const RandomState& state, std::int64_t index, std::int64_t low, std::uint64_t range) {
  const std::uint32_t first = word_at(state, 2 * index), second = word_at(state, 2 * index + 1);
#if defined(__SIZEOF_INT128__)
  __extension__ using Wide = unsigned __int128;
  const std::uint64_t w = std::uint64_t{second} << 32 | first;
  const std::uint64_t v = range == 0 ? w : static_cast<std::uint64_t>(static_cast<Wide>(w) * range >> 64);
#else
  const std::uint64_t v = integer_below(first, second, range);
#endif
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + v);
}

}  // namespace assay::kernels::reference
