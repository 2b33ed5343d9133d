#include "verify/query/audit.hpp"

#include <gtest/gtest.h>

#include "tests/verify/golden_text.hpp"
#include "tests/verify/memory_items.hpp"

namespace assay::verify {
namespace {

class AuditGolden : public testing::TestWithParam<const char*> {};

TEST_P(AuditGolden, TextIsAsItWas) {
  MemoryItems items = small_campaign();
  items.seal();
  const std::string text = audit_text(through_json(audit_experiment(items, GetParam())));
  expect_harmless(text);
  expect_golden(std::string("audit_") + GetParam() + ".txt", text);
}
INSTANTIATE_TEST_SUITE_P(Experiments, AuditGolden, testing::Values("2", "4", "5"));

std::string ids(const Json& list) {
  std::string out;
  for (const Json& entry : list.items())
    out += (out.empty() ? "" : " ") + std::string(entry["id"].string_or("?"));
  return out;
}

struct FromCase {
  const char *from, *steps, *direct, *descendants;
};

TEST(Audit, FollowsWhatDescendsFromAnOrigin) {
  MemoryItems items = small_campaign();
  items.seal();
  for (const FromCase& row :
       {FromCase{"step:s1", "s1", "2", "4"}, FromCase{"prompt:frobnicator", "s2", "2", "4"},
        FromCase{"prompt:source/call_1.json", "s1", "2", "4"},
        FromCase{"prompt:Invent a gate", "s1", "2", "4"}, FromCase{"knowledge:k1", "s1", "2", "4"},
        FromCase{"knowledge:zz", "", "", ""}, FromCase{"experiment:1", "", "1", "2 3 4"},
        FromCase{"step:s3", "s3", "4", ""}}) {
    const Json document = through_json(audit_from(items, row.from));
    EXPECT_EQ(ids(document["steps"]), row.steps) << row.from;
    EXPECT_EQ(ids(document["direct"]), row.direct) << row.from;
    EXPECT_EQ(ids(document["descendants"]), row.descendants) << row.from;
  }
}

TEST(Audit, FromTextIsAsItWas) {
  MemoryItems items = small_campaign();
  items.seal();
  expect_golden("audit_from_step.txt", audit_text(through_json(audit_from(items, "step:s1"))));
}

TEST(Audit, RefusesUnknownOrigins) {
  MemoryItems items = small_campaign();
  items.seal();
  for (const char* from : {"", "s1", "step:", "agent:x", "step"}) {
    const auto document = audit_from(items, from);
    ASSERT_FALSE(document.ok()) << from;
    EXPECT_EQ(document.error().fault, Fault::usage);
  }
  EXPECT_EQ(audit_from(items, "experiment:77").error().fault, Fault::missing);
}

TEST(Audit, SaysThatACampaignRecordsNoSteps) {
  MemoryItems items;
  items.put("campaign.json", R"({"assay":"campaign","version":1,"title":"t"})");
  items.put("experiments/1/experiment.json", R"({"id":"1","parents":["404"]})");
  items.seal();
  const Json document = through_json(audit_experiment(items, "1"));
  EXPECT_EQ(document["missing"].items().at(0)["what"].string_or(""), "steps");
  EXPECT_EQ(document["parents"].items().at(0)["on_record"].boolean(), false);
  EXPECT_NE(audit_text(document).find("404  not in this bundle"), std::string::npos);
}

TEST(Audit, CyclesEnd) {
  MemoryItems items;
  items.put("campaign.json", R"({"assay":"campaign","version":1,"title":"t"})");
  items.put("experiments/1/experiment.json", R"({"id":"1","parents":["2"]})");
  items.put("experiments/2/experiment.json", R"({"id":"2","parents":["1","2"]})");
  items.seal();
  EXPECT_EQ(ids(through_json(audit_experiment(items, "1"))["ancestors"]), "2");
  EXPECT_EQ(ids(through_json(audit_from(items, "experiment:1"))["descendants"]), "2");
}

}  // namespace
}  // namespace assay::verify
