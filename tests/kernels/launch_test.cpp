// Another way of cutting CUDA work (smaller and fewer blocks, other tiles and chunks) gives every line of a
// certificate anew.
#include "kernels/core/launch.hpp"

#include <gtest/gtest.h>

#include "kernels/certify/table.hpp"

namespace assay::kernels {
namespace {

struct OtherLaunches {
  OtherLaunches() { force_other_launches(true); }
  ~OtherLaunches() { force_other_launches(false); }
};

TEST(Launches, AnotherGridGivesEveryLineOfACertificateAnew) {
  if (device_count() == 0) GTEST_SKIP() << "no CUDA device: grids are compared on one only";
  for (const certify::Family& family : certify::families()) {
    certify::Suite usual(true), other(true);
    family.cases(usual);
    {
      const OtherLaunches forced;
      family.cases(other);
    }
    ASSERT_EQ(usual.lines().size(), other.lines().size()) << family.name;
    std::size_t differ = 0;
    for (std::size_t i = 0; i < usual.lines().size(); ++i) {
      if (usual.lines()[i].digest == other.lines()[i].digest) continue;
      if (++differ <= 10)
        ADD_FAILURE() << family.name << ": " << usual.lines()[i].name << ": the usual launch gives "
                      << usual.lines()[i].digest << ", the other " << other.lines()[i].digest;
    }
    EXPECT_EQ(differ, 0u) << family.name << ", of " << usual.lines().size() << " lines";
  }
}

TEST(Launches, AreTheUsualOnesUntilForced) {
  EXPECT_FALSE(other_launches());
  {
    const OtherLaunches forced;
    EXPECT_TRUE(other_launches());
  }
  EXPECT_FALSE(other_launches());
}

}  // namespace
}  // namespace assay::kernels
