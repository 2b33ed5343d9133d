#include "kernels/random/random.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "kernels/random/chunk.hpp"
#include "kernels/random/draws.hpp"
#include "kernels/random/philox.hpp"
#include "tests/kernels/everywhere.hpp"

namespace assay::kernels {
namespace {

using everywhere::elements;
using everywhere::expect_same;
using everywhere::Result;

constexpr RandomState kState{0x0123456789abcdefULL, 7, 3};

// Words by the chunk where counters have high halves, and where a block's number passes 2^32.
TEST(Philox, ChunksAreItsBlocks) {
  const StreamKey key{0xfedcba9876543210ULL, (std::uint64_t{9} << 32) + 7, (std::uint64_t{5} << 32) + 3};
  const CpuLevel best = cpu_level();
  for (const CpuLevel level : {CpuLevel::portable, CpuLevel::avx2, CpuLevel::avx512}) {
    if (!force_cpu_level(level)) continue;
    for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{0xfffffff0}, std::uint64_t{77} << 33}) {
      std::array<std::int64_t, 2 * kChunkBlocks> found{};
      ASSAY_CALL(random_integer_chunk, 0, 0, key, first, found.data());
      for (std::uint64_t i = 0; i < found.size(); ++i) {
        const Words words = block_of(key, first + i / 2);
        ASSERT_EQ(static_cast<std::uint64_t>(found[i]),
                  std::uint64_t{words.w[i % 2 * 2 + 1]} << 32 | words.w[i % 2 * 2])
            << text_of(level) << ", block " << first + i / 2;
      }
    }
  }
  force_cpu_level(best);
}

// Known answers of the authors' library (Random123, kat_vectors, "philox4x32 10").
TEST(Philox, GivesThePublishedVectors) {
  const auto expect = [](Words counter, std::uint32_t k0, std::uint32_t k1, Words wanted) {
    const Words found = philox(counter, k0, k1);
    for (int k = 0; k < 4; ++k) EXPECT_EQ(found.w[k], wanted.w[k]) << k;
  };
  expect({{0, 0, 0, 0}}, 0, 0, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  expect({{~0U, ~0U, ~0U, ~0U}}, ~0U, ~0U, {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  expect({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0,
         {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

TEST(Draws, LogarithmSineAndCosineAreCloseToTheTrueOnes) {
  double worst_log = 0, worst_circle = 0;
  for (std::uint64_t i = 0; i < (1U << 16); ++i) {
    const auto word = static_cast<std::uint32_t>(i * 65521 * 65537);
    const float u = half_open_unit(word);
    const double l = std::log(static_cast<double>(u));
    worst_log = std::max(worst_log, std::abs(log_unit(u) - l) / std::max(std::abs(l), 1e-30));
    const Pair pair = cos_sin_turns(word);
    const double angle = 2 * M_PI * word / 4294967296.0;
    worst_circle = std::max(
        {worst_circle, std::abs(pair.first - std::cos(angle)), std::abs(pair.second - std::sin(angle))});
  }
  EXPECT_LT(worst_log, 4e-7);
  EXPECT_LT(worst_circle, 2e-7);
}

const std::vector<certify::Sizes> kShapes = {{},     {1},        {3},       {0},       {257},
                                             {1000}, {5, 7, 11}, {2, 0, 3}, {64, 1025}};

// Runs `fill` on every shape, type and two memory orders, and compares each element with `at`.
template <typename Fill, typename At>
void expect_rule(const std::string& name, Type type, Fill&& fill, At&& at) {
  for (const certify::Sizes& shape : kShapes)
    for (const bool strided : {false, true}) {
      std::vector<int> order;
      for (int d = static_cast<int>(shape.size()); strided && d-- > 0;) order.push_back(d);
      const Result result = expect_same(name, [&](certify::Case& one, std::vector<View>& outputs) {
        RandomState* state = everywhere::place_values(one, std::vector{kState});
        outputs = {one.output(type, shape, order), View{&state->call, Type::i64, 0, {}, {}}};
        return fill(outputs[0], state, one.place());
      });
      ASSERT_EQ(result.status, Status::ok);
      EXPECT_EQ(elements<std::uint64_t>(result.contents[1])[0], kState.call + 1);
      const std::string& found = result.contents[0];
      for (std::size_t i = 0; i < found.size() / static_cast<std::size_t>(size_of(type)); ++i)
        ASSERT_TRUE(at(found, i)) << name << ", type " << static_cast<int>(type) << ", index " << i;
    }
}

template <typename T>
T element(const std::string& contents, std::size_t i) {
  T value;
  std::memcpy(&value, &contents[i * sizeof(T)], sizeof(T));
  return value;
}

template <typename Fill, typename At>
void expect_float_rule(const std::string& name, Fill&& fill, At&& at) {
  expect_rule(name, Type::f32, fill, [&](const std::string& found, std::size_t i) {
    return element<std::uint32_t>(found, i) == bits_of(at(static_cast<std::int64_t>(i), false));
  });
  expect_rule(name, Type::bf16, fill, [&](const std::string& found, std::size_t i) {
    return element<std::uint16_t>(found, i) == to_bf16(at(static_cast<std::int64_t>(i), true));
  });
}

TEST(Random, UniformFollowsTheRule) {
  expect_float_rule(
      "uniform",
      [](const View& out, RandomState* s, const Place& p) { return random_uniform(out, -0.3, 2.5, s, p); },
      [](std::int64_t i, bool bf16) { return reference::uniform_at(kState, i, -0.3, 2.5, bf16); });
}

TEST(Random, NormalFollowsTheRule) {
  expect_float_rule(
      "normal",
      [](const View& out, RandomState* s, const Place& p) { return random_normal(out, 0.5, 1.5, s, p); },
      [](std::int64_t i, bool) { return reference::normal_at(kState, i, 0.5, 1.5); });
}

TEST(Random, ExponentialFollowsTheRule) {
  expect_float_rule(
      "exponential",
      [](const View& out, RandomState* s, const Place& p) { return random_exponential(out, 1.7, s, p); },
      [](std::int64_t i, bool) { return reference::exponential_at(kState, i, 1.7); });
}

TEST(Random, BernoulliFollowsTheRule) {
  const auto fill = [](const View& out, RandomState* s, const Place& p) {
    return random_bernoulli(out, 0.3, s, p);
  };
  const auto at = [](std::int64_t i, bool) { return reference::bernoulli_at(kState, i, 0.3F) ? 1.0F : 0.0F; };
  expect_float_rule("bernoulli", fill, at);
  expect_rule("bernoulli", Type::boolean, fill, [&](const std::string& found, std::size_t i) {
    return static_cast<float>(found[i]) == at(static_cast<std::int64_t>(i), false);
  });
}

TEST(Random, BernoulliTakesAProbabilityForEachElement) {
  const std::vector<float> p = {0.0F, 1.0F, 0.5F, 0.25F, 1e-3F, 0.999F};
  const Result result = expect_same("bernoulli tensor", [&](certify::Case& one, std::vector<View>& outputs) {
    RandomState* state = everywhere::place_values(one, std::vector{kState});
    View probabilities = everywhere::view_of(one, Type::f32, {1, 6}, p);
    probabilities.size[0] = 500, probabilities.stride[0] = 0;
    outputs = {one.output(Type::f32, {500, 6}, {1, 0})};
    return random_bernoulli(outputs[0], probabilities, state, one.place());
  });
  const auto found = elements<float>(result.contents[0]);
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_EQ(found[i] != 0, reference::bernoulli_at(kState, static_cast<std::int64_t>(i), p[i % 6])) << i;
}

TEST(Random, IntegersFollowTheRule) {
  for (const auto& [low, range] : std::vector<std::pair<std::int64_t, std::uint64_t>>{
           {-5, 10}, {0, 1}, {0, 0}, {-(1LL << 40), 1ULL << 41}, {3, 0xfffffffffffffff0ULL}})
    expect_rule(
        "integers", Type::i64,
        [&, l = low, r = range](const View& out, RandomState* s, const Place& p) {
          return random_integers(out, l, r, s, p);
        },
        [&, l = low, r = range](const std::string& found, std::size_t i) {
          return element<std::int64_t>(found, i) ==
                 reference::integer_at(kState, static_cast<std::int64_t>(i), l, r);
        });
}

std::vector<float> many(const std::function<Status(const View&, RandomState*, const Place&)>& fill,
                        std::int64_t count) {
  certify::Suite suite(false, 2);
  certify::Case one("many", suite.place());
  const View out = one.output(Type::f32, {count});
  RandomState state{42, 0, 0};
  EXPECT_EQ(fill(out, &state, one.place()), Status::ok);
  return elements<float>(one.contents(out));
}

// Moments within six standard errors of what they should be.
void expect_moments(const std::vector<float>& values, double mean, double variance, double fourth) {
  double sum = 0, squares = 0;
  for (const float v : values) sum += v, squares += (v - mean) * (v - mean);
  const auto n = static_cast<double>(values.size());
  EXPECT_NEAR(sum / n, mean, 6 * std::sqrt(variance / n));
  EXPECT_NEAR(squares / n, variance, 6 * std::sqrt((fourth - variance * variance) / n));
}

TEST(Random, MomentsAreRight) {
  constexpr std::int64_t kMany = 1 << 20;
  expect_moments(many([](auto& o, auto* s, auto& p) { return random_uniform(o, 0, 1, s, p); }, kMany), 0.5,
                 1.0 / 12, 1.0 / 80);
  expect_moments(many([](auto& o, auto* s, auto& p) { return random_normal(o, 0, 1, s, p); }, kMany), 0, 1,
                 3);
  expect_moments(many([](auto& o, auto* s, auto& p) { return random_exponential(o, 1, s, p); }, kMany), 1, 1,
                 9);
  expect_moments(many([](auto& o, auto* s, auto& p) { return random_bernoulli(o, 0.25, s, p); }, kMany), 0.25,
                 0.1875, 0.08203125);
}

TEST(Random, NormalValuesFallWhereTheyShould) {
  const auto values = many([](auto& o, auto* s, auto& p) { return random_normal(o, 0, 1, s, p); }, 1 << 20);
  for (const double edge : {-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0}) {
    const double share = 0.5 * std::erfc(-edge / std::sqrt(2.0)), n = static_cast<double>(values.size());
    const auto below =
        static_cast<double>(std::count_if(values.begin(), values.end(), [&](float v) { return v < edge; }));
    EXPECT_NEAR(below / n, share, 6 * std::sqrt(share * (1 - share) / n)) << edge;
  }
}

TEST(Random, CallsAndStepsGiveOtherValues) {
  certify::Suite suite(false, 1);
  certify::Case one("other", suite.place());
  RandomState state{1, 0, 0};
  std::set<std::string> seen;
  for (int step = 0; step < 3; ++step) {
    for (int call = 0; call < 3; ++call) {
      const View out = one.output(Type::f32, {8});
      ASSERT_EQ(random_uniform(out, 0, 1, &state, one.place()), Status::ok);
      seen.insert(one.contents(out));
    }
    ASSERT_EQ(random_next_step(&state, one.place()), Status::ok);
    EXPECT_EQ(state.step, static_cast<std::uint64_t>(step) + 1);
    EXPECT_EQ(state.call, 0U);
  }
  EXPECT_EQ(seen.size(), 9U);
}

TEST(Permutation, OrdersByKeysAndHoldsEveryIndexOnce) {
  for (const std::int64_t n : {0, 1, 2, 1000, 40000}) {
    const Result result = expect_same("permutation", [&](certify::Case& one, std::vector<View>& outputs) {
      RandomState* state = everywhere::place_values(one, std::vector{kState});
      outputs = {one.output(Type::i64, {n})};
      return random_permutation(outputs[0], state, one.place());
    });
    ASSERT_EQ(result.status, Status::ok);
    auto found = elements<std::int64_t>(result.contents[0]);
    const auto key = [](std::int64_t i) {
      return static_cast<std::uint64_t>(reference::integer_at(kState, i, 0, 0));
    };
    for (std::size_t i = 1; i < found.size(); ++i) ASSERT_LE(key(found[i - 1]), key(found[i]));
    std::sort(found.begin(), found.end());
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], static_cast<std::int64_t>(i));
  }
}

// So many elements that some keys begin alike, as far as the CPU keeps them beside an index.
TEST(Permutation, OrdersKeysThatBeginAlike) {
  constexpr std::int64_t kCount = 6300000;
  certify::Suite suite(false, 2);
  certify::Case one("permutation", suite.place());
  RandomState state = kState;
  const View out = one.output(Type::i64, {kCount});
  ASSERT_EQ(random_permutation(out, &state, one.place()), Status::ok);
  const auto key = [](std::int64_t i) {
    return static_cast<std::uint64_t>(reference::integer_at(kState, i, 0, 0));
  };
  int against_index = 0;
  std::uint64_t before = key(out.as<std::int64_t>()[0]);
  for (std::int64_t i = 1; i < kCount; ++i) {
    const std::uint64_t here = key(out.as<std::int64_t>()[i]);
    ASSERT_LT(before, here) << i;
    const bool alike = here >> 23 == before >> 23;
    against_index += alike && out.as<std::int64_t>()[i] < out.as<std::int64_t>()[i - 1] ? 1 : 0;
    before = here;
  }
  EXPECT_GT(against_index, 0);
}

/// In a transposed input and in elements that lie in fours.
struct DropoutCase {
  Type type;
  double p;
  certify::Sizes sizes;
  std::vector<int> order;
};

void check_dropout(const DropoutCase& c) {
  const Result result = expect_same("dropout", [&](certify::Case& one, std::vector<View>& outputs) {
    RandomState* state = everywhere::place_values(one, std::vector{kState});
    const View x = one.input(c.type, c.sizes, certify::Fill::special, c.order);
    outputs = {x, one.output(c.type, c.sizes), one.output(Type::boolean, c.sizes),
               one.output(c.type, c.sizes)};
    const Status status = random_dropout(x, c.p, outputs[1], &outputs[2], state, one.place());
    return status == Status::ok ? random_dropout_backward(x, outputs[2], c.p, outputs[3], one.place())
                                : status;
  });
  ASSERT_EQ(result.status, Status::ok);
  EXPECT_EQ(result.contents[1], result.contents[3]);
  const Result unmasked =
      expect_same("dropout without a mask", [&](certify::Case& one, std::vector<View>& outputs) {
        RandomState* state = everywhere::place_values(one, std::vector{kState});
        const View x = one.input(c.type, c.sizes, certify::Fill::special, c.order);
        outputs = {x, one.output(c.type, c.sizes)};
        return random_dropout(x, c.p, outputs[1], nullptr, state, one.place());
      });
  ASSERT_EQ(unmasked.status, Status::ok);
  EXPECT_EQ(unmasked.contents[1], result.contents[1]);
  const auto keep = static_cast<float>(1.0 - c.p);
  for (std::int64_t i = 0; i < c.sizes[0] * c.sizes[1]; ++i) {
    const auto u = static_cast<std::size_t>(i);
    const bool kept = reference::bernoulli_at(kState, i, keep);
    ASSERT_EQ(result.contents[2][u] != 0, kept);
    const float x = c.type == Type::f32 ? element<float>(result.contents[0], u)
                                        : from_bf16(element<std::uint16_t>(result.contents[0], u));
    const float y = x * (kept ? 1.0F / keep : 0.0F);
    if (c.type == Type::bf16)
      ASSERT_EQ(element<std::uint16_t>(result.contents[1], u), to_bf16(y));
    else
      ASSERT_EQ(element<std::uint32_t>(result.contents[1], u), y != y ? kNan32 : bits_of(y));
  }
}

TEST(Dropout, KeepsAndScalesByTheStreamAndBackwardTakesTheSameNoise) {
  for (const Type type : {Type::f32, Type::bf16})
    for (const double p : {0.0, 0.3, 1.0}) {
      check_dropout({type, p, {33, 70}, {1, 0}});
      check_dropout({type, p, {52, 80}, {}});
    }
}

TEST(Multinomial, InvertsTheCumulativeSum) {
  const Result result = expect_same("multinomial", [&](certify::Case& one, std::vector<View>& outputs) {
    RandomState* state = everywhere::place_values(one, std::vector{kState});
    const View weights = one.input(Type::f32, {3, 500}, certify::Fill::uniform, {1, 0});
    outputs = {weights, one.output(Type::i64, {3, 400})};
    return random_multinomial(weights, outputs[1], state, one.place());
  });
  ASSERT_EQ(result.status, Status::ok);
  const auto weights = elements<float>(result.contents[0]);
  const auto found = elements<std::int64_t>(result.contents[1]);
  for (std::size_t row = 0; row < 3; ++row) {
    std::vector<float> sums;  // R3
    float prefix = 0, local = 0;
    for (std::size_t j = 0; j < 500; ++j) {
      if (j % 64 == 0) prefix = j ? sums.back() : 0.0F, local = 0;
      local = j % 64 == 0 ? weights[row * 500 + j] : local + weights[row * 500 + j];
      sums.push_back(j < 64 ? local : prefix + local);
    }
    for (std::size_t k = 0; k < 400; ++k) {
      const float u = reference::uniform_at(kState, static_cast<std::int64_t>(row * 400 + k), 0, 1, false);
      const auto first = std::upper_bound(sums.begin(), sums.end(), u * sums.back());
      ASSERT_EQ(found[row * 400 + k], first - sums.begin()) << row << " " << k;
    }
  }
}

TEST(Random, WrongTypesAreRefused) {
  certify::Suite suite(false, 1);
  certify::Case one("wrong", suite.place());
  RandomState state;
  EXPECT_EQ(random_uniform(one.output(Type::i64, {4}), 0, 1, &state, one.place()), Status::bad_type);
  EXPECT_EQ(random_normal(one.output(Type::i32, {4}), 0, 1, &state, one.place()), Status::bad_type);
  EXPECT_EQ(random_bernoulli(one.output(Type::f32, {4}), one.input(Type::f32, {5}, certify::Fill::uniform),
                             &state, one.place()),
            Status::bad_shape);
  EXPECT_EQ(state.call, 0U);
}

}  // namespace
}  // namespace assay::kernels
