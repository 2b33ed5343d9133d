// A few whole blocks of 2^20 inputs of every unary operator: levels and devices agree. All 4,096:
// assay-exhaustive.
#include <filesystem>

#include <gtest/gtest.h>

#include "kernels/core/device.hpp"
#include "kernels/exhaustive/sweep.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"

namespace assay::kernels::exhaustive {
namespace {

// Numbers around 1, large ones, subnormals, NaN and infinity.
constexpr std::uint32_t kSome[] = {0x3f8, 0xc2a};
constexpr std::uint32_t kMany[] = {0x000, 0x001, 0x3f0, 0x3f7, 0x3f8, 0x40c, 0x42a, 0x471, 0x4d0, 0x7f7,
                                   0x7f8, 0x800, 0xbf7, 0xbf8, 0xc2a, 0xc2b, 0xcb0, 0xff7, 0xff8, 0xfff};

TEST(Exhaustive, LevelsAgreeOnWholeBlocks) {
  const CpuLevel best = cpu_level();
  ASSERT_TRUE(force_cpu_level(CpuLevel::avx2) || force_cpu_level(CpuLevel::portable));
  Sweeper sweeper(false, 2);
  std::vector<std::vector<std::string>> first;
  for (const Swept& one : swept_operators()) first.push_back(sweeper.hashes(one, kSome));
  for (const CpuLevel level : {CpuLevel::avx512, CpuLevel::portable}) {
    if (!force_cpu_level(level)) continue;
    std::size_t k = 0;
    for (const Swept& one : swept_operators()) {
      const std::span<const std::uint32_t> blocks =
          std::span(kSome).first(level == CpuLevel::portable ? 1 : 2);
      const std::vector<std::string> found = sweeper.hashes(one, blocks);
      ASSERT_EQ(found.size(), blocks.size()) << one.name;
      for (std::size_t b = 0; b < blocks.size(); ++b)
        EXPECT_EQ(found[b], first[k][b]) << one.name << " " << text_of(level) << " block " << blocks[b];
      ++k;
    }
  }
  force_cpu_level(best);
}

TEST(Exhaustive, CudaAgreesWithTheCpuOnWholeBlocksAndAllOfBf16) {
  if (device_count() == 0) GTEST_SKIP() << "no CUDA device";
  Sweeper cpu(false, 8), cuda(true, 8);
  for (const Swept& one : swept_operators()) {
    const std::vector<std::string> expected = cpu.hashes(one, kMany), found = cuda.hashes(one, kMany);
    ASSERT_EQ(expected.size(), std::size(kMany)) << one.name;
    ASSERT_EQ(found.size(), std::size(kMany)) << one.name;
    for (std::size_t b = 0; b < found.size(); ++b)
      EXPECT_EQ(found[b], expected[b]) << one.name << ": inputs 0x" << std::hex << kMany[b] << "00000 and on";
    EXPECT_EQ(cuda.bf16_hash(one), cpu.bf16_hash(one)) << one.name << " in bf16";
  }
}

TEST(Exhaustive, ErrorsAreFoundWhereTheyAre) {
  Function off = functions()[0];
  off.value = [](float x) { return x == 1.5f ? 0.0f : static_cast<float>(functions()[0].truth(x)); };
  const std::uint32_t block[] = {0x3fc};
  const Worst worst = largest_error(off, block, 2);
  EXPECT_EQ(worst.at, 1.5f);
  EXPECT_GT(worst.ulp, 1e6);
}

TEST(Exhaustive, CommittedErrorsAreTheContractsAndThisMachines) {
  const auto text = read_file(std::filesystem::path(ASSAY_SOURCE_DIR) / "tests/data/gpu/exhaustive.json");
  ASSERT_TRUE(text.ok());
  const auto document = Json::parse(*text);
  ASSERT_TRUE(document.ok());
  for (const Function& function : functions()) {
    const Json& error = (*document)["errors"][function.name];
    const float at = float_of(static_cast<std::uint32_t>(error["at_bits"].natural().value_or(kNan32)));
    const double here = error_in_ulp(function.value(at), function.truth(static_cast<double>(at)));
    EXPECT_NEAR(here, error["ulp"].number().value_or(-1), 1e-4) << function.name;
    EXPECT_LE(here, function.bound) << function.name;
  }
}

// The device's own fp64 functions are the truth there: another last digit of a double, not another error.
TEST(Exhaustive, CudaFindsTheErrorsOfTheCpu) {
  if (device_count() == 0) GTEST_SKIP() << "no CUDA device";
  const std::uint32_t blocks[] = {0x3f8, 0xbf7, 0x409};
  for (std::size_t row = 0; row < functions().size(); ++row) {
    const Worst cpu = largest_error(functions()[row], blocks, 8);
    Worst cuda{};
    ASSERT_TRUE(largest_error_cuda(row, blocks, cuda)) << functions()[row].name;
    EXPECT_NEAR(cuda.ulp, cpu.ulp, 1e-4) << functions()[row].name;
  }
}

}  // namespace
}  // namespace assay::kernels::exhaustive
