#include "toolkit/cli/cuda_fit.hpp"

#include <gtest/gtest.h>

namespace assay::cli {
namespace {

TEST(CudaFit, CodeRunsOnItsMajorCapabilityAndPtxFromItsOwnOn) {
  const CudaCode hopper = cuda_code_of("90-real");
  EXPECT_TRUE(runs_on(hopper, 90));
  EXPECT_FALSE(runs_on(hopper, 89));
  EXPECT_FALSE(runs_on(hopper, 100));
  const CudaCode ampere = cuda_code_of("80-real");
  EXPECT_TRUE(runs_on(ampere, 86));
  EXPECT_FALSE(runs_on(ampere, 75));
  EXPECT_FALSE(runs_on(ampere, 90));
  const CudaCode ptx = cuda_code_of("80-virtual");
  EXPECT_TRUE(runs_on(ptx, 120));
  EXPECT_FALSE(runs_on(ptx, 75));
}

TEST(CudaFit, AReleaseRunsFrom80On) {
  const CudaCode release = cuda_code_of("80-real,86-real,89-real,90-real,100-real,120");
  for (const int capability : {80, 86, 87, 89, 90, 100, 103, 120, 121, 130})
    EXPECT_TRUE(runs_on(release, capability));
  for (const int capability : {61, 70, 75}) EXPECT_FALSE(runs_on(release, capability));
  EXPECT_EQ(text_of(release), "sm_80 sm_86 sm_89 sm_90 sm_100 sm_120 and PTX 120");
}

TEST(CudaFit, WhatCannotBeReadIsNothing) {
  EXPECT_FALSE(runs_on(cuda_code_of(""), 90));
  EXPECT_EQ(text_of(cuda_code_of("native,-real")), "nothing");
  EXPECT_EQ(capability_of("9.0"), 90);
  EXPECT_EQ(capability_of("12.1"), 121);
  for (const char* text : {"", "9", "9.", ".0", "9.01", "[N/A]", "-9.0"})
    EXPECT_EQ(capability_of(text), 0) << text;
}

}  // namespace
}  // namespace assay::cli
