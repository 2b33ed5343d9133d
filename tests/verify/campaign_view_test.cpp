#include "verify/campaign_view.hpp"

#include "tests/verify/view_of.hpp"

namespace assay::verify {
namespace {

TEST(CampaignView, HoldsWhatItIsFed) {
  const CampaignView view = sealed_view_of(
      {{"campaign.json", R"({"assay":"campaign","version":1,"title":"T"})"},
       {"experiments/1/experiment.json", R"({"id":"1","score":2,"files":{"program":"experiments/1/p.py"}})"},
       {"experiments/1/metrics.csv", "metric,step,value\na,,1\n"},
       {"experiments/1/p.py", "x"}});
  EXPECT_EQ(view.head().title, "T");
  ASSERT_EQ(view.table().size(), 1u);
  EXPECT_TRUE(view.table().has(0, formats::Evidence::program));
  EXPECT_EQ(view.sealed_columns().size(), 7u);
  EXPECT_TRUE(view.sealed_completeness());
  EXPECT_TRUE(view.problems().empty());
  EXPECT_TRUE(view.unread().empty());
}

TEST(CampaignView, KeepsGoingOverABrokenRecord) {
  const CampaignView view =
      view_of({{"experiments/1/experiment.json", "{"}, {"experiments/2/experiment.json", R"({"id":"2"})"}});
  EXPECT_EQ(view.table().size(), 1u);
  ASSERT_EQ(view.problems().size(), 1u);
  EXPECT_TRUE(view.problems()[0].where.starts_with("experiments/1/experiment.json"))
      << view.problems()[0].where;
}

TEST(CampaignView, SaysWhatItDidNotGet) {
  const formats::Manifest manifest = manifest_of(
      {{"experiments/1/experiment.json", "x"}, {"experiments/1/p.py", "x"}, {"steps.jsonl", "x"}});
  CampaignView::Builder builder(manifest, [](std::size_t item) { return item != 1; });
  EXPECT_TRUE(builder.wants(0));
  EXPECT_FALSE(builder.wants(1));
  builder.add(2, "", false);
  const CampaignView view = builder.finish();
  EXPECT_EQ(view.unread(), (std::vector<std::string>{"experiments/1/experiment.json", "steps.jsonl"}));
  EXPECT_EQ(view.left_out(), 1u);
}

}  // namespace
}  // namespace assay::verify
