#include "toolkit/base/presorted.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace assay {
namespace {

std::vector<int> sorted(std::vector<int> numbers) {
  sort_presorted(numbers, [](int a, int b) { return a < b; });
  return numbers;
}

TEST(Presorted, SortsWhatIsSortedNearlyAndNotAtAll) {
  const std::vector<int> all{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(sorted({}), std::vector<int>());
  EXPECT_EQ(sorted({1}), std::vector<int>{1});
  EXPECT_EQ(sorted({1, 2, 3, 4, 5, 6}), all);
  EXPECT_EQ(sorted({2, 3, 5, 6, 4, 1}), all);
  EXPECT_EQ(sorted({6, 5, 4, 3, 2, 1}), all);
  EXPECT_EQ(sorted({2, 2, 1, 2, 1}), (std::vector<int>{1, 1, 2, 2, 2}));
}

TEST(Presorted, LooksOnceAtWhatIsSorted) {
  std::vector<int> numbers(1000);
  for (int i = 0; i < 1000; ++i) numbers[static_cast<std::size_t>(i)] = i;
  int looks = 0;
  sort_presorted(numbers, [&](int a, int b) { return ++looks, a < b; });
  EXPECT_LT(looks, 1100);
}

}  // namespace
}  // namespace assay
