// Formulas: what they give, to the bit, and what they refuse, at which byte.
#include "toolkit/rules/formula.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace assay::rules {
namespace {

double value(const std::string& text, const std::map<std::string, double>& values = {}) {
  const auto formula = Formula::parse(text);
  EXPECT_TRUE(formula) << text << ": " << (formula ? "" : formula.error().what);
  return formula ? formula->value(values).ok() ? *formula->value(values) : -1e300 : -1e300;
}

TEST(Formula, FollowsTheUsualPrecedence) {
  EXPECT_EQ(value("1 + 2 * 3"), 7);
  EXPECT_EQ(value("(1 + 2) * 3"), 9);
  EXPECT_EQ(value("8 - 3 - 2"), 3);
  EXPECT_EQ(value("8 / 4 / 2"), 1);
  EXPECT_EQ(value("--2 * -3"), -6);
  EXPECT_EQ(value("-a * a", {{"a", 3}}), -9);
  EXPECT_EQ(value("1e-3 + .5"), 0.501);
  EXPECT_EQ(value("max(1, 5, min(7, 3))"), 5);
  EXPECT_TRUE(std::isnan(value("max(1, 0 / 0)")));
  EXPECT_EQ(value("abs(-2) + sqrt(16)"), 6);
  EXPECT_EQ(Formula::parse("a + max(b, a) - exp(c_1)")->names(), (std::set<std::string>{"a", "b", "c_1"}));
}

TEST(Formula, ExpAndLogAreNearTheSystems) {
  for (double x = -700; x < 700; x += 0.37) {
    EXPECT_NEAR(plain_exp(x) / std::exp(x), 1, 1e-15) << x;
    EXPECT_NEAR(plain_log(std::exp(x)), x, 1e-15 * std::max(1.0, std::fabs(x))) << x;
  }
  for (double x = 0.5; x < 2; x += 0.001) EXPECT_NEAR(plain_log(x), std::log(x), 3e-16) << x;
  EXPECT_EQ(plain_exp(0), 1);
  EXPECT_EQ(plain_log(1), 0);
  EXPECT_EQ(plain_exp(-1e9), 0);
  EXPECT_TRUE(std::isinf(plain_exp(1e9)));
  EXPECT_TRUE(std::isnan(plain_log(-1)));
  EXPECT_NEAR(value("sigmoid(2)"), 1 / (1 + std::exp(-2.0)), 1e-15);
  EXPECT_NEAR(value("tanh(-0.3)"), std::tanh(-0.3), 1e-15);
  EXPECT_EQ(value("tanh(1000)"), 1);
}

// Their bits are fixed: these were computed once, and hold on every machine.
TEST(Formula, BitsAreFixed) {
  EXPECT_EQ(plain_exp(1), 0x1.5bf0a8b14576ap+1);
  EXPECT_EQ(plain_exp(-3.7), 0x1.9511fc6871044p-6);
  EXPECT_EQ(plain_log(10), 0x1.26bb1bbb55516p+1);
  EXPECT_EQ(plain_log(0.3), -0x1.34378fcbda721p+0);
}

TEST(Formula, RefusesAtTheByte) {
  struct Case {
    const char *text, *says;
  };
  for (const Case& one :
       {Case{"", "byte 1"}, Case{"1 +", "byte 4"}, Case{"(1", "byte 3"}, Case{"1 2", "byte 3"},
        Case{"f(1)", "a function that there is"}, Case{"max(1)", "two numbers"},
        Case{"exp(1, 2)", "one number"}, Case{"a $", "found $"}}) {
    const auto formula = Formula::parse(one.text);
    ASSERT_FALSE(formula) << one.text;
    EXPECT_NE(formula.error().what.find(one.says), std::string::npos) << formula.error().what;
  }
  EXPECT_FALSE(Formula::parse(std::string(100000, '(')));
  const auto missing = Formula::parse("x + y")->value({{"x", 1}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().what, "the formula's \"y\" has no value");
}

}  // namespace
}  // namespace assay::rules
