// Random numbers: docs/determinism.md, R6. A value depends on (seed, step, number of the call in the step,
// logical index) alone, so on no stride, device, thread or grid; bf16 and fp32 views of the same call differ
// only by what R6 says.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// A generator: these three counters are all its state. It lies in memory of the Place's device, so that a
/// captured CUDA graph finds the step and the call where they are, not where they were. `step` and `call`
/// count modulo 2^32.
struct RandomState {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::uint64_t call = 0;
};

/// Each operator below reads *state, and adds 1 to state->call when it is done (also when it has nothing to
/// fill, and not when it answers another Status than ok). `state` is on the Place's device. Values go to
/// `out` (any sizes and strides; elements of `out` must not overlap).

/// step + 1, call = 0.
Status random_next_step(RandomState* state, const Place& place);
/// Sets all three from the host's values (captured graphs get the values, too).
Status random_set(RandomState* state, const RandomState& values, const Place& place);

/// [low, high): u * fp32(high - low) + fp32(low), u of 24 bits (8 for bf16); a result that rounds to high
/// becomes low. f32 and bf16.
Status random_uniform(const View& out, double low, double high, RandomState* state, const Place& place);
/// z * fp32(deviation) + fp32(mean), two roundings; z by Box and Muller. f32 and bf16.
Status random_normal(const View& out, double mean, double deviation, RandomState* state, const Place& place);
/// -log(u) / fp32(rate). f32 and bf16.
Status random_exponential(const View& out, double rate, RandomState* state, const Place& place);
/// 1 with probability fp32(p), else 0. Any type but c64.
Status random_bernoulli(const View& out, double p, RandomState* state, const Place& place);
/// The same with a probability for each element (f32 or bf16, the sizes of `out`).
Status random_bernoulli(const View& out, const View& p, RandomState* state, const Place& place);
/// Integers of [low, low + range); range 0 stands for 2^64. Bias at most range / 2^64. Any type but c64; a
/// value that the type cannot hold wraps around (integers) or is rounded (f32, bf16: integer to fp32 first,
/// as one rounding).
Status random_integers(const View& out, std::int64_t low, std::uint64_t range, RandomState* state,
                       const Place& place);
/// A permutation of 0 ... n-1 into `out` (rank 1, i64 or i32): indices ordered by a 64-bit random key, ties
/// by index.
Status random_permutation(const View& out, RandomState* state, const Place& place);

/// What 1 / fp32(1 - p) is where it scales: that number in fp32, or as a tensor of the type would hold it.
enum class Noise : std::uint8_t { exact, stored };

/// out = x * noise, noise[i] = kept[i] / fp32(1 - p), one rounded division a call, kept[i] = 1 with
/// probability fp32(1 - p); for p = 1 noise is 0 everywhere. x, out: f32 or bf16, one type, equal sizes;
/// kept: boolean, equal sizes; null: not wanted.
Status random_dropout(const View& x, double p, const View& out, const View* kept, RandomState* state,
                      const Place& place, Noise noise = Noise::exact);
/// gradient = gradient_out * noise with the noise of `kept`.
Status random_dropout_backward(const View& gradient_out, const View& kept, double p, const View& gradient,
                               const Place& place, Noise noise = Noise::exact);

/// `out` (rows, samples) i64: sampling with replacement from `weights` (rows, n), f32 or bf16, not negative
/// and each row's sum finite and above 0 (not checked; such a row gives n - 1). Sample: the first j with R3's
/// cumulative sum c[j] > fp32(u * c[n-1]); when rounding leaves none, the last j with a weight above 0.
Status random_multinomial(const View& weights, const View& out, RandomState* state, const Place& place);

/// The rule, element by element: what the tests compare with.
namespace reference {
float uniform_at(const RandomState& state, std::int64_t index, double low, double high, bool bf16);
float normal_at(const RandomState& state, std::int64_t index, double mean, double deviation);
float exponential_at(const RandomState& state, std::int64_t index, double rate);
bool bernoulli_at(const RandomState& state, std::int64_t index, float p);
std::int64_t integer_at(const RandomState& state, std::int64_t index, std::int64_t low, std::uint64_t range);
}  // namespace reference

}  // namespace assay::kernels
