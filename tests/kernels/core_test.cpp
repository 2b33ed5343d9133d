#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "kernels/certify/suite.hpp"
#include "kernels/core/contract.hpp"
#include "kernels/core/hd.hpp"

namespace assay::kernels {
namespace {

TEST(Contract, IsReportedByVersionAndHash) {
  EXPECT_GE(contract_version(), 1);
  EXPECT_EQ(contract_sha256().size(), 64U);
  EXPECT_EQ(assay_kernels_contract(),
            std::to_string(contract_version()) + " " + std::string(contract_sha256()));
}

TEST(Bf16, RoundsToNearestEvenAndKeepsOneNan) {
  EXPECT_EQ(to_bf16(1.0F), 0x3f80);
  EXPECT_EQ(to_bf16(float_of(0x3f808000)), 0x3f80);  // a tie goes to the even neighbour below
  EXPECT_EQ(to_bf16(float_of(0x3f818000)), 0x3f82);  // and above
  EXPECT_EQ(to_bf16(float_of(0x3f808001)), 0x3f81);
  EXPECT_EQ(to_bf16(float_of(0x7f7fffff)), 0x7f80);  // the largest fp32 rounds to infinity
  EXPECT_EQ(to_bf16(float_of(0xff800001)), kNan16);
  EXPECT_EQ(to_bf16(float_of(0x00000001)), 0x0000);
  for (std::uint32_t u = 0; u < 0x10000; ++u) {
    const float wide = from_bf16(static_cast<std::uint16_t>(u));
    if (!std::isnan(wide)) {
      EXPECT_EQ(to_bf16(wide), u);
    }
  }
}

TEST(CpuLevel, ForcedOnesAreTaken) {
  const CpuLevel best = cpu_level();
  EXPECT_TRUE(force_cpu_level(CpuLevel::portable));
  EXPECT_EQ(cpu_level(), CpuLevel::portable);
  EXPECT_TRUE(force_cpu_level(best));
}

TEST(PlainThreads, CoverTheRangeOnce) {
  for (const int threads : {1, 2, 16}) {
    std::vector<int> seen(1000);
    PlainThreads pool(threads);
    pool.each(1000, 10, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
    });
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 1000) << threads;
  }
}

TEST(Suite, HashesLogicalContentNotMemory) {
  certify::Suite suite(false);
  const auto digest = [&](const std::vector<int>& order, std::int64_t gap) {
    certify::Case one("same", suite.place());
    one.also_hash(one.input(Type::f32, {3, 5}, certify::Fill::bits, order, gap));
    return one.digest().hex();
  };
  EXPECT_EQ(digest({}, 0), digest({1, 0}, 0));
  EXPECT_EQ(digest({}, 0), digest({0, 1}, 3));
}

TEST(Suite, NormalInputsHaveUnitVariance) {
  const std::string bytes = certify::make_values("key", Type::f32, 20000, certify::Fill::normal, 1);
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < 20000; ++i) {
    float v;
    std::memcpy(&v, &bytes[4 * i], 4);
    sum += v, squares += v * v;
  }
  EXPECT_NEAR(sum / 20000, 0, 0.03);
  EXPECT_NEAR(squares / 20000, 1, 0.03);
}

}  // namespace
}  // namespace assay::kernels
