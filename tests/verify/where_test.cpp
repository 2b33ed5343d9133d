#include "verify/query/where.hpp"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

namespace assay::verify {
namespace {

using Row = std::map<std::string, FieldValue, std::less<>>;

const Row& sample() {
  static const Row row = {{"score", 2.5},
                          {"name", std::string("delta_net_HybridGate")},
                          {"status", std::string("ok")},
                          {"parents", std::vector<std::string>{"7", "12"}},
                          {"metric.lam_ppl", std::nan("")},
                          {"label", std::string("it's \"quoted\"")},
                          {"program", std::string("experiments/1/program.py")}};
  return row;
}

bool matches(std::string_view text) {
  auto where = Where::parse(text);
  EXPECT_TRUE(where.ok()) << text << ": " << (where.ok() ? "" : where.error().what);
  return where.ok() && where->matches([](std::string_view field) -> std::optional<FieldValue> {
    const auto found = sample().find(field);
    if (found == sample().end()) return std::nullopt;
    return found->second;
  });
}

TEST(Where, ComparesNumbersAndTexts) {
  EXPECT_TRUE(matches(""));
  EXPECT_TRUE(matches("  "));
  EXPECT_TRUE(matches("score>2.2"));
  EXPECT_TRUE(matches("score >= 2.5 and score<=2.5 and score=2.5 and score==2.50"));
  EXPECT_FALSE(matches("score<2.5"));
  EXPECT_FALSE(matches("score!=2.5"));
  EXPECT_TRUE(matches("score>-3e1"));
  EXPECT_TRUE(matches("name~hybridgate"));
  EXPECT_FALSE(matches("name!~hybridgate"));
  EXPECT_TRUE(matches("status=ok"));
  EXPECT_FALSE(matches("status=OK"));
  EXPECT_TRUE(matches("label='it\\'s \"quoted\"'"));
}

TEST(Where, BindsNotBeforeAndBeforeOr) {
  EXPECT_TRUE(matches("status=ok or status=bad and score>100"));
  EXPECT_FALSE(matches("(status=ok or status=bad) and score>100"));
  EXPECT_TRUE(matches("not status=bad and score>1"));
  EXPECT_FALSE(matches("not (status=ok and score>1)"));
  EXPECT_TRUE(matches("NOT status=bad AND Score=2 OR score>1"));
}

TEST(Where, AbsentFieldsSatisfyNoComparison) {
  EXPECT_FALSE(matches("created=x"));
  EXPECT_FALSE(matches("created!=x"));
  EXPECT_FALSE(matches("has(created)"));
  EXPECT_TRUE(matches("not has(created)"));
  EXPECT_TRUE(matches("has(program)"));
  EXPECT_TRUE(matches("has( 'program' )"));
}

TEST(Where, AnyParentEqualsButEveryParentDiffers) {
  EXPECT_TRUE(matches("parents=7"));
  EXPECT_TRUE(matches("parents=12"));
  EXPECT_FALSE(matches("parents=8"));
  EXPECT_FALSE(matches("parents!=7"));
  EXPECT_TRUE(matches("parents!=8"));
}

TEST(Where, NanEqualsOnlyNan) {
  EXPECT_TRUE(matches("metric.lam_ppl=nan"));
  EXPECT_FALSE(matches("metric.lam_ppl>0"));
  EXPECT_FALSE(matches("metric.lam_ppl<=0"));
  EXPECT_TRUE(matches("metric.lam_ppl!=3"));
}

TEST(Where, ListsItsFields) {
  const auto where = Where::parse("score>1 and (has(program) or score<0) and not metric.a=1");
  ASSERT_TRUE(where.ok());
  EXPECT_EQ(where->fields(), (std::vector<std::string>{"metric.a", "program", "score"}));
}

TEST(Where, SaysWhereItIsWrong) {
  struct Case {
    const char *text, *what, *where;
  };
  for (const Case& row :
       {Case{"score>", "expected a value, found the end", "position 7"},
        Case{"score", "expected one of", "position 6"},
        Case{"score>1 name~x", "expected and, or, or the end, found \"name\"", "position 9"},
        Case{"(score>1", "expected )", "position 9"}, Case{"name='x", "not closed", "position 6"},
        Case{"score>1;drop", "unexpected ';'", "position 8"},
        Case{"has(program", "expected )", "position 12"}, Case{"and", "expected one of", "position 4"}}) {
    const auto where = Where::parse(row.text);
    ASSERT_FALSE(where.ok()) << row.text;
    EXPECT_EQ(where.error().fault, Fault::usage);
    EXPECT_NE(where.error().what.find(row.what), std::string::npos) << where.error().what;
    EXPECT_NE(where.error().where.find(row.where), std::string::npos)
        << row.text << ": " << where.error().where;
  }
}

TEST(Where, BoundsItsDepth) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "a=1" + std::string(depth, ')');
  };
  EXPECT_TRUE(Where::parse(nested(64)).ok());
  EXPECT_FALSE(Where::parse(nested(65)).ok());
  std::string nots;
  for (int i = 0; i < 100; ++i) nots += "not ";
  EXPECT_FALSE(Where::parse(nots + "a=1").ok());
  std::string chain = "a=1";
  while (chain.size() < 4000) chain += " or a=1";
  EXPECT_TRUE(Where::parse(chain).ok());
  EXPECT_FALSE(Where::parse(std::string(5000, 'a')).ok());
}

}  // namespace
}  // namespace assay::verify
