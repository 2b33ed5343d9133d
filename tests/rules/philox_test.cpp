// Philox against the known answers of its authors (Random123, kat_vectors), and what is drawn from it.
#include "toolkit/rules/philox.hpp"

#include <set>

#include <gtest/gtest.h>

namespace assay::rules {
namespace {

using Words = std::array<std::uint32_t, 4>;

TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(PhiloxStream, HasAStreamOfItsOwnForEachUseNumberAndAttempt) {
  std::set<std::uint32_t> first;
  for (const auto use : {StreamUse::sampler, StreamUse::proposal, StreamUse::sample})
    for (std::uint32_t number = 0; number < 10; ++number)
      for (std::uint32_t attempt = 0; attempt < 10; ++attempt)
        first.insert(PhiloxStream(5, use, number, attempt).word());
  EXPECT_EQ(first.size(), 300u);
  PhiloxStream stream(5, StreamUse::sampler, 1);
  for (std::uint32_t i = 0; i < 9; ++i) EXPECT_EQ(stream.word(), philox({i / 4, 0, 1, 1}, {5, 0})[i % 4]);
}

TEST(PhiloxStream, DrawsEvenlyAndWithoutReplacement) {
  std::array<int, 7> counts{};
  PhiloxStream stream(1, StreamUse::sample, 0);
  for (int i = 0; i < 7000; ++i) ++counts[stream.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
  const auto drawn = stream.sample(20, 8);
  EXPECT_EQ(std::set<std::size_t>(drawn.begin(), drawn.end()).size(), 8u);
  EXPECT_EQ(stream.sample(3, 9).size(), 3u);
  std::array<int, 3> weighted{};
  const std::array<double, 3> weights = {1, 0, 3};
  for (int i = 0; i < 4000; ++i) ++weighted[stream.weighted(weights)];
  EXPECT_NEAR(weighted[0], 1000, 150);
  EXPECT_EQ(weighted[1], 0);
}

}  // namespace
}  // namespace assay::rules
