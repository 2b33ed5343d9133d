// Formulas for bf16 in and out: every one of their 65,536 results is the rule's.
#include "kernels/math/narrow.hpp"

#include <set>

#include <gtest/gtest.h>

#include "kernels/pointwise/functors.hpp"

namespace assay::kernels {
namespace {

template <typename F>
struct Narrow : testing::Test {};

using Formulas = testing::Types<ops::exp, ops::log, ops::tanh, ops::sigmoid, ops::silu, ops::gelu>;
TYPED_TEST_SUITE(Narrow, Formulas);

template <typename F>
std::uint16_t by_rule(float x) {
  return to_bf16(ops::element<F>(x, x, x, 0, 0, 0, 0));
}

TYPED_TEST(Narrow, HasTheRulesBitsWhereItReaches) {
  using Short = typename ops::Narrow<TypeParam>::Formula;
  int reached = 0;
  std::set<std::uint16_t> results;
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const float x = from_bf16(static_cast<std::uint16_t>(bits));
    if (math::narrow::is_far<Short>(x)) continue;
    const float y = Short::kPositive && x < 0 ? math::nan() : Short::near(x);
    ASSERT_EQ(to_bf16(y), by_rule<TypeParam>(x)) << x;
    ASSERT_EQ(y != y, Short::kPositive && x < 0) << x;
    results.insert(to_bf16(y));
    ++reached;
  }
  EXPECT_GT(reached, 30000);
  EXPECT_GT(results.size(), 100u);  // not a constant
}

TYPED_TEST(Narrow, SaysTheSameOfAnArgumentInEitherType) {
  using Short = typename ops::Narrow<TypeParam>::Formula;
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto x = static_cast<std::uint16_t>(bits);
    const bool far = math::narrow::distance<Short>(x) >= math::narrow::kReach<Short>;
    ASSERT_EQ(math::narrow::is_far<Short>(from_bf16(x)), far) << bits;
    ASSERT_TRUE(far || from_bf16(x) == from_bf16(x)) << bits;  // a NaN is out of reach
  }
}

}  // namespace
}  // namespace assay::kernels
