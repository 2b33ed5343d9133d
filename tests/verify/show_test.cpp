#include "verify/query/show.hpp"

#include <gtest/gtest.h>

#include "tests/verify/golden_text.hpp"
#include "tests/verify/memory_items.hpp"

namespace assay::verify {
namespace {

MemoryItems sealed() {
  MemoryItems items = small_campaign();
  items.withhold("experiments/2/motivation.md");
  items.seal();
  return items;
}

class ShowGolden : public testing::TestWithParam<const char*> {};

TEST_P(ShowGolden, TextIsAsItWas) {
  const MemoryItems items = sealed();
  const std::string text = show_text(through_json(show({items}, GetParam())));
  expect_harmless(text);
  expect_golden(std::string("show_") + GetParam() + ".txt", text);
}
INSTANTIATE_TEST_SUITE_P(Stages, ShowGolden,
                         testing::Values("campaign", "experiments", "manifest", "claims", "baselines",
                                         "environment", "steps", "knowledge", "2", "4", "5"));

TEST(Show, NothingAskedIsTheCampaign) {
  const MemoryItems items = sealed();
  EXPECT_EQ(show({items}, "")->dump(), show({items}, "campaign")->dump());
}

TEST(Show, EveryStageIsADocumentOrSaysWhyNot) {
  const MemoryItems items = sealed();
  for (const std::string& stage : show_stages()) {
    const auto document = show({items}, stage);
    if (stage == "statement") {
      EXPECT_EQ(document.error().fault, Fault::missing);
    } else {
      EXPECT_TRUE(document.ok()) << stage;
    }
  }
}

TEST(Show, UnknownExperimentNamesTheRange) {
  const MemoryItems items = sealed();
  const auto document = show({items}, "17\x1b[2J");
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().fault, Fault::missing);
  EXPECT_EQ(document.error().what, "no experiment \"17\\x1b[2J\" among 5 experiments");
  EXPECT_NE(document.error().hint.find("ids run from 1 to 5"), std::string::npos);
}

TEST(Show, ContentIsFoundByRoleFileOrName) {
  const MemoryItems items = sealed();
  const auto name = [&items](std::string_view what, std::string_view role) {
    const auto item = find_content(items, what, role);
    return item.ok() ? items.manifest().entry(*item).name : item.error().what + " | " + item.error().hint;
  };
  EXPECT_EQ(name("2", "program"), "experiments/2/program.py");
  EXPECT_EQ(name("2", "metrics.csv"), "experiments/2/metrics.csv");
  EXPECT_EQ(name("source/call_1.json", ""), "source/call_1.json");
  EXPECT_EQ(name("3", "program"), "experiment 3 has no \"program\" | it has: experiment.json");
  EXPECT_EQ(name("../../etc/passwd", "program").substr(0, 13), "no experiment");
}

TEST(Show, FindingContentReadsOneRecordOnly) {
  const MemoryItems items = sealed();
  items.reads = 0;
  ASSERT_TRUE(find_content(items, "2", "program").ok());
  EXPECT_EQ(items.reads, 1u);
}

TEST(Show, ARecordUnderAnotherIdIsRefused) {
  MemoryItems items = small_campaign();
  items.put("experiments/9/experiment.json", "{\"id\":\"8\"}");
  items.seal();
  const auto document = show({items}, "9");
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().fault, Fault::malformed);
}

}  // namespace
}  // namespace assay::verify
