// The elementary functions against fp64: errors in ulp on a sample of all inputs, special values, and the
// same bits at every level. All 2^32 inputs: assay-exhaustive.
#include "kernels/math/math.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "kernels/core/place.hpp"
#include "kernels/exhaustive/functions.hpp"
#include "kernels/pointwise/pointwise.hpp"

namespace assay::kernels {
namespace {

using exhaustive::error_in_ulp;
using exhaustive::Function;
using exhaustive::functions;

constexpr std::uint64_t kStep = 40009;  // a prime: the sample meets every exponent and many low bits

TEST(Math, ErrorsStayWithinTheStatedBounds) {
  for (const Function& function : functions()) {
    double worst = 0;
    float at = 0;
    for (std::uint64_t u = 0; u < std::uint64_t{1} << 32; u += kStep) {
      const float x = float_of(static_cast<std::uint32_t>(u));
      const double error = error_in_ulp(function.value(x), function.truth(static_cast<double>(x)));
      if (error > worst) worst = error, at = x;
    }
    EXPECT_LE(worst, function.bound) << function.name << " at " << std::hexfloat << at << ": "
                                     << function.value(at) << " for "
                                     << function.truth(static_cast<double>(at));
  }
}

TEST(Math, EveryLevelGivesTheSameBits) {
  std::vector<float> in, found;
  for (std::uint64_t u = 0; u < std::uint64_t{1} << 32; u += kStep)
    in.push_back(float_of(static_cast<std::uint32_t>(u)));
  found.resize(in.size());
  PlainThreads threads(2);
  const Place place{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr};
  View from, to;
  from.rank = to.rank = 1, from.stride[0] = to.stride[0] = 1;
  from.size[0] = to.size[0] = static_cast<std::int64_t>(in.size());
  from.data = in.data(), to.data = found.data();
  const CpuLevel best = cpu_level();
  for (const CpuLevel level : {CpuLevel::portable, CpuLevel::avx2, CpuLevel::avx512}) {
    if (!force_cpu_level(level)) continue;
    for (const Function& function : functions()) {
      ASSERT_EQ(pointwise(find_op(function.name), {&from, 1}, {}, to, place), Status::ok);
      for (std::size_t i = 0; i < in.size(); ++i)
        ASSERT_EQ(bits_of(found[i]), bits_of(math::canonical(function.value(in[i]))))
            << function.name << " " << text_of(level) << " at " << std::hexfloat << in[i];
    }
  }
  force_cpu_level(best);
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kSpecial[] = {0.0f,
                              -0.0f,
                              1.0f,
                              -1.0f,
                              2.0f,
                              -2.0f,
                              3.0f,
                              -3.0f,
                              0.5f,
                              -0.5f,
                              2.5f,
                              -2.5f,
                              1e-40f,
                              -1e-40f,
                              3e38f,
                              -3e38f,
                              16777215.0f,
                              -16777217.0f,
                              1e10f,
                              -1e10f,
                              kInfinity,
                              -kInfinity,
                              std::numeric_limits<float>::quiet_NaN(),
                              1.0000001f,
                              0.99999994f};

bool same(float a, float b) { return std::isnan(a) ? std::isnan(b) : bits_of(a) == bits_of(b); }

TEST(Math, PowHasTheSpecialCasesOfC99) {
  for (const float x : kSpecial)
    for (const float y : kSpecial) {
      const double truth = std::pow(static_cast<double>(x), static_cast<double>(y));
      const float found = math::pow(x, y);
      EXPECT_LE(error_in_ulp(found, truth), 0.51) << x << " ^ " << y << " = " << found;
      if (truth == 0 || std::isinf(truth)) {
        EXPECT_TRUE(same(found, static_cast<float>(truth))) << x << " ^ " << y << " = " << found;
      }
    }
}

TEST(Math, PowIsNearlyCorrectlyRounded) {
  std::uint64_t state = 1;
  const auto next = [&] {
    return static_cast<std::uint32_t>((state = state * 6364136223846793005u + 1442695040888963407u) >> 32);
  };
  for (int i = 0; i < 200000; ++i) {
    const float x = float_of(next() & 0x7fffffff),
                y = static_cast<float>(static_cast<std::int32_t>(next())) * 0x1p-26f;
    EXPECT_LE(error_in_ulp(math::pow(x, y), std::pow(static_cast<double>(x), static_cast<double>(y))), 0.51)
        << std::hexfloat << x << " ^ " << y;
  }
}

TEST(Math, Atan2HasTheSpecialCasesOfC99) {
  for (const float y : kSpecial)
    for (const float x : kSpecial) {
      const double truth = std::atan2(static_cast<double>(y), static_cast<double>(x));
      const float found = math::atan2(y, x);
      EXPECT_LE(error_in_ulp(found, truth), 2.0) << y << ", " << x << ": " << found;
      if (truth == 0) {
        EXPECT_TRUE(same(found, static_cast<float>(truth))) << y << ", " << x << ": " << found;
      }
    }
}

TEST(Math, FmodIsExact) {
  std::uint64_t state = 7;
  const auto next = [&] {
    return float_of(
        static_cast<std::uint32_t>((state = state * 6364136223846793005u + 1442695040888963407u) >> 32));
  };
  for (int i = 0; i < 100000; ++i) {
    const float x = next(), y = next();
    ASSERT_TRUE(same(math::fmod(x, y), std::fmod(x, y))) << std::hexfloat << x << " " << y;
  }
  for (const float x : kSpecial)
    for (const float y : kSpecial) ASSERT_TRUE(same(math::fmod(x, y), std::fmod(x, y))) << x << " " << y;
}

TEST(Math, RemaindersAndQuotientsArePythons) {
  EXPECT_EQ(math::remainder(7.0f, -2.0f), -1.0f);
  EXPECT_EQ(math::remainder(-7.0f, 2.0f), 1.0f);
  EXPECT_EQ(math::floor_divide(-7.0f, 2.0f), -4.0f);
  EXPECT_EQ(math::floor_divide(7.0f, 2.0f), 3.0f);
  EXPECT_EQ(math::floor_divide(1.0f, 0.0f), kInfinity);
  EXPECT_TRUE(std::signbit(math::floor_divide(0.0f, -1.0f)));
  EXPECT_TRUE(std::isnan(math::floor_divide(kInfinity, 2.0f)));
}

TEST(Math, GeluIsWithinTwoRoundingsOfOne) {
  for (std::uint32_t u = 0; u < 0x41000000; u += 997)
    for (const float x : {float_of(u), -float_of(u)}) {
      const double cdf = 0.5 * std::erfc(-static_cast<double>(x) / std::sqrt(2.0));
      const double pdf = std::exp(-0.5 * x * static_cast<double>(x)) / std::sqrt(2 * M_PI);
      ASSERT_NEAR(math::gelu(x), x * cdf, 1.5e-7 * std::abs(x) + 1e-44) << std::hexfloat << x;
      ASSERT_NEAR(math::gelu_backward(1.0f, x), cdf + x * pdf, 3e-7) << std::hexfloat << x;
    }
  EXPECT_EQ(math::gelu(-30.0f), 0.0f);
  EXPECT_EQ(math::gelu(30.0f), 30.0f);
}

TEST(Math, FormsForPartOfTheNumbersHaveTheWholeFormsBits) {
  for (std::uint64_t u = 0x80000000; u <= 0xff800000; u += 211) {
    const float x = float_of(static_cast<std::uint32_t>(u));
    ASSERT_EQ(bits_of(math::exp_nonpositive(x)), bits_of(math::exp(x))) << std::hexfloat << x;
  }
  EXPECT_EQ(math::exp_nonpositive(-kInfinity), 0.0f);
  EXPECT_EQ(math::exp_nonpositive(0.0f), 1.0f);
  for (float x = -87.0f; x <= 88.0f; x += 0x1p-12f)
    ASSERT_EQ(bits_of(math::exp_narrow(x)), bits_of(math::exp(x))) << std::hexfloat << x;
  for (std::uint32_t u = 0; u <= 0x7f800000; u += 499) {
    const float x = float_of(u);
    ASSERT_EQ(bits_of(math::log1p_nonnegative(x)), bits_of(math::log1p(x))) << std::hexfloat << x;
  }
}

TEST(Math, LimitsAreTorchs) {
  EXPECT_EQ(math::log_sigmoid(-kInfinity), -kInfinity);
  EXPECT_EQ(math::log_sigmoid(kInfinity), 0.0f);
  EXPECT_EQ(math::softplus(100.0f, 1.0f, 20.0f), 100.0f);
  EXPECT_EQ(math::gelu(kInfinity), kInfinity);
  EXPECT_EQ(math::xlogy(0.0f, kInfinity), 0.0f);
  EXPECT_TRUE(std::isnan(math::xlogy(0.0f, std::nanf(""))));
  EXPECT_EQ(math::logit(1.0f, -1.0f), kInfinity);
  EXPECT_TRUE(std::isnan(math::logit(2.0f, -1.0f)));
  EXPECT_EQ(math::hypot(kInfinity, std::nanf("")), kInfinity);
  EXPECT_TRUE(std::isnan(math::larger(1.0f, std::nanf(""))));
  EXPECT_TRUE(std::isnan(math::larger(std::nanf(""), 1.0f)));
  EXPECT_TRUE(std::isnan(math::between(0.0f, 0.0f, std::nanf(""))));
}

}  // namespace
}  // namespace assay::kernels
