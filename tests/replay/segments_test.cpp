#include "replay/engine/segments.hpp"

#include <set>

#include <gtest/gtest.h>

namespace assay::replay {
namespace {

using Segments = std::vector<Segment>;

TEST(Segments, LieBetweenCheckpoints) {
  EXPECT_EQ(segments_of({0, 5, 10}, 10), (Segments{{0, 5}, {5, 10}}));
  EXPECT_EQ(segments_of({0, 5}, 12), (Segments{{0, 5}, {5, 12}}));
  EXPECT_EQ(segments_of({0}, 3), (Segments{{0, 3}}));
  EXPECT_EQ(segments_of({}, 3), Segments());
  EXPECT_EQ(cut(segments_of({0, 5, 10, 15}, 20), 7), (Segments{{0, 5}, {5, 7}}));
}

TEST(Segments, PartsAreAllOfThemOnce) {
  Segments all;
  for (std::uint64_t i = 0; i < 10; ++i) all.push_back({i, i + 1});
  for (std::uint64_t n = 1; n <= 10; ++n) {
    Segments together;
    for (std::uint64_t i = 1; i <= n; ++i) {
      const auto part = part_of(all, std::to_string(i) + "/" + std::to_string(n));
      ASSERT_TRUE(part);
      EXPECT_FALSE(part->empty());
      together.insert(together.end(), part->begin(), part->end());
    }
    EXPECT_EQ(together, all);
  }
  for (const char* wrong : {"", "1", "0/2", "3/2", "1/11", "a/b", "1/2/3", "-1/2"})
    EXPECT_FALSE(part_of(all, wrong)) << wrong;
}

TEST(Segments, SamplesAreWithoutReplacementAndFixedBySeed) {
  Segments all;
  for (std::uint64_t i = 0; i < 20; ++i) all.push_back({i, i + 1});
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto sample = *sample_of(all, 5, seed);
    EXPECT_EQ(sample, *sample_of(all, 5, seed));
    for (std::size_t i = 1; i < sample.size(); ++i) EXPECT_LT(sample[i - 1].from, sample[i].from);
    for (const Segment& segment : sample) seen.insert(segment.from);
  }
  EXPECT_EQ(seen.size(), 20u);  // every segment is drawn by some seed
  EXPECT_EQ(*sample_of(all, 20, 1), all);
  EXPECT_FALSE(sample_of(all, 0, 1));
  EXPECT_FALSE(sample_of(all, 21, 1));
}

TEST(Segments, AreDealtOut) {
  const Segments all = {{0, 5}, {5, 10}, {10, 15}, {15, 20}, {30, 40}};
  EXPECT_EQ(deal(all, 1), (std::vector<Segments>{{{0, 20}, {30, 40}}}));
  EXPECT_EQ(deal(all, 3).size(), 3u);
  std::uint64_t steps = 0;
  for (const auto& hand : deal(all, 4))
    for (const Segment& segment : hand) steps += segment.until - segment.from;
  EXPECT_EQ(steps, 30u);
  EXPECT_TRUE(deal({}, 4).empty());
}

// Against the binomials themselves: C(n, k) as exact integers.
TEST(Segments, DetectionProbabilities) {
  const auto choose = [](std::uint64_t n, std::uint64_t k) {
    double out = k > n ? 0 : 1;
    for (std::uint64_t i = 0; i < k && k <= n; ++i)
      out = out * static_cast<double>(n - i) / static_cast<double>(i + 1);
    return out;
  };
  for (std::uint64_t n = 1; n <= 12; ++n)
    for (std::uint64_t k = 1; k <= n; ++k)
      for (std::uint64_t m = 1; m <= n; ++m)
        EXPECT_NEAR(formats::detection_probability(n, k, m), 1 - choose(n - m, k) / choose(n, k), 1e-12)
            << n << k << m;
  EXPECT_DOUBLE_EQ(formats::detection_probability(10, 3, 0), 0);
  EXPECT_DOUBLE_EQ(formats::detection_probability(10, 1, 1), 0.1);
  EXPECT_DOUBLE_EQ(formats::detection_probability(10, 8, 3), 1);
}

}  // namespace
}  // namespace assay::replay
