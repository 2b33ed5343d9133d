#include "toolkit/cli/progress_bar.hpp"

#include <gtest/gtest.h>

namespace assay::cli {
namespace {

TEST(ProgressBar, SaysWhatHowMuchRateAndTimeLeft) {
  EXPECT_EQ(progress_text({"hashing", "B", 500'000'000, 2'000'000'000, 2.0}),
            "hashing  500 MB of 2.00 GB  25 %  250 MB/s  6.0 s left");
  EXPECT_EQ(progress_text({"sealing", "items", 1500, 3000, 1.5}),
            "sealing  1,500 of 3,000 items  50 %  1,000/s  1.5 s left");
}

TEST(ProgressBar, AnUnknownTotalHasNoShare) {
  EXPECT_EQ(progress_text({"reading", "files", 12, 0, 2.0}), "reading  12 files  6/s");
}

TEST(ProgressBar, NothingDoneHasNoRate) {
  EXPECT_EQ(progress_text({"reading", "B", 0, 100, 0.0}), "reading  0 B of 100 B  0 %");
}

TEST(ProgressBar, FitsTheTerminal) {
  const ProgressState state{"hashing", "B", 500'000'000, 2'000'000'000, 2.0};
  EXPECT_TRUE(progress_bar(state, 100).starts_with("[#####               ] hashing"));
  for (unsigned width = 1; width < 120; ++width) EXPECT_LE(progress_bar(state, width).size(), width);
}

}  // namespace
}  // namespace assay::cli
