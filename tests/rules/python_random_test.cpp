// Held against CPython 3.11: random.Random(42) and what it drew, in this order.
#include "toolkit/rules/python_random.hpp"

#include <gtest/gtest.h>

namespace assay::rules {
namespace {

using Places = std::vector<std::size_t>;

TEST(PythonRandom, DrawsWhatCPythonDraws) {
  PythonRandom generator = PythonRandom::of_seed(42);
  EXPECT_EQ(generator.random(), 0x1.4762f307200c5p-1);
  EXPECT_EQ(generator.random(), 0x1.99c6b5eeb2060p-6);
  EXPECT_EQ(generator.random(), 0x1.19a1491f589dcp-2);
  EXPECT_EQ(generator.sample(10, 3), (Places{3, 2, 1}));
  EXPECT_EQ(generator.sample(1000, 4), (Places{692, 758, 913, 558}));  // by a set
  EXPECT_EQ(generator.sample(60, 7), (Places{5, 37, 27, 2, 1, 59, 13}));
  Places chosen;
  for (int i = 0; i < 5; ++i) chosen.push_back(generator.choice(17));
  EXPECT_EQ(chosen, (Places{7, 16, 0, 6, 13}));
  Places weighted;
  for (int i = 0; i < 6; ++i) weighted.push_back(generator.choices({.1, .2, .3, .4}));
  EXPECT_EQ(weighted, (Places{1, 2, 3, 0, 3, 3}));
  EXPECT_EQ(generator.below((1ULL << 40) + 3), 611346720886U);
  EXPECT_EQ(generator.word(), 667779376U);
}

TEST(PythonRandom, ALongSeed) { EXPECT_EQ(PythonRandom::of_seed((1ULL << 33) + 5).word(), 3185278367U); }

TEST(PythonRandom, Sums) {
  EXPECT_EQ(python_sum({0.1, 0.2, 0.3}, false), 0x1.3333333333334p-1);  // 0.6000000000000001, up to 3.11
  EXPECT_EQ(python_sum({0.1, 0.2, 0.3}, true), 0x1.3333333333333p-1);   // 0.6, from 3.12 on
}

// What replay/search/preload/random.cpp hands out: tests/search/evaluations.py compares with a recorded
// program.
TEST(PythonRandom, TheStreamOfARecord) {
  EXPECT_NE(recorded_word(7, 0), recorded_word(7, 1));
  std::vector<std::uint32_t> key;
  for (std::uint64_t word = 3; word < 3 + 312; ++word) {
    key.push_back(static_cast<std::uint32_t>(recorded_word(7, word)));
    key.push_back(static_cast<std::uint32_t>(recorded_word(7, word) >> 32));
  }
  PythonRandom a(key), b = python_random_of_record(7, 3);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(a.word(), b.word());
}

}  // namespace
}  // namespace assay::rules
