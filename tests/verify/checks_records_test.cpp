#include "formats/search_run.hpp"
#include "tests/verify/checks_fixture.hpp"

namespace assay::verify {
namespace {

TEST(CheckRecords, Format) {
  expect_none(findings_of("C101", "", {{"1", "", ""}}));
  Items items = campaign_of("", {{"1", "", ""}});
  items["experiments/2/experiment.json"] = R"({"id":"3"})";
  expect_one(findings_of("C101", view_of(items)), kError, "experiments/2/experiment.json, field \"id\"",
             "folder");
}

TEST(CheckRecords, ManyAreCountedAndCapped) {
  Items items;
  for (int i = 0; i < 1500; ++i) items["experiments/" + std::to_string(i) + "/experiment.json"] = "{";
  const CheckResults results = run_checks(view_of(items), {"C101"});
  EXPECT_EQ(results.findings.size(), kFindingsKept);
  EXPECT_EQ(results.totals.at("C101"), 1500u);
}

TEST(CheckRecords, OrphanMetrics) {
  Items items = campaign_of("", {{"1", "", "a,,1\n"}});
  expect_none(findings_of("C102", view_of(items)));
  items["experiments/2/metrics.csv"] = "metric,step,value\na,,1\n";
  expect_one(findings_of("C102", view_of(items)), kError, "2", "no readable experiment.json");
}

TEST(CheckRecords, Roles) {
  Items items = campaign_of("", {{"1", R"(,"files":{"program":"experiments/1/p.py"})", ""}});
  expect_one(findings_of("C103", view_of(items)), kError, "1", "program -> experiments/1/p.py");
  items["experiments/1/p.py"] = "x";
  expect_none(findings_of("C103", view_of(items)));
}

TEST(CheckRecords, Unread) {
  const formats::Manifest manifest = manifest_of(campaign_of("", {{"1", "", "a,,1\n"}}));
  CampaignView::Builder builder(manifest, [](std::size_t) { return false; });
  const auto findings = findings_of("C104", builder.finish());
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].data["count"], Json(3));
  expect_none(findings_of("C104", "", {{"1", "", ""}}));
}

TEST(CheckDerived, ColumnsAndCompleteness) {
  const Items items = campaign_of("", {{"1", "", "a,,1\n"}, {"2", "", ""}});
  expect_none(findings_of("C105", sealed_view_of(items)));
  expect_none(findings_of("C106", sealed_view_of(items)));
  EXPECT_EQ(findings_of("C105", view_of(items)).size(), 7u);  // none of the columns is there
  expect_one(findings_of("C106", view_of(items)), kError, "completeness.json", "no completeness report");
}

TEST(CheckDerived, WrongContentTypeAndStrangers) {
  Items items = campaign_of("", {{"1", "", "a,,1\n"}});
  const CampaignView plain = view_of(items);
  std::map<std::string, formats::ItemType> types;
  for (const auto& column : formats::columns_of(plain.table())) {
    types[column.name] = column.type;
    items[column.name] = formats::column_content(plain.table(), column);
  }
  types["columns/experiments/score"] = {formats::Dtype::i64, {1}};
  items["columns/metrics/a/value"][7] = 1;
  items["columns/metrics/b/value"] = "12345678";
  types["columns/metrics/b/value"] = {formats::Dtype::f64, {1}};
  items["completeness.json"] = "{}\n";
  const CampaignView view = view_of(items, types);
  const auto findings = findings_of("C105", view);
  ASSERT_EQ(findings.size(), 3u);
  EXPECT_NE(findings[0].text.find("another type"), std::string::npos);
  EXPECT_NE(findings[1].text.find("columns/metrics/a/value does not hold"), std::string::npos);
  EXPECT_NE(findings[2].text.find("no record gives it"), std::string::npos);
  expect_one(findings_of("C106", view), kError, "completeness.json", "line 1 differs");
}

TEST(CheckComplete, FieldsAndClaims) {
  Items items = campaign_of("", {{"1", R"(,"score":1)", "a,1,1\n"}, {"2", R"(,"score":1)", ""}});
  items["claims.json"] = R"({"claims":[{"id":"c","kind":"text","experiments":["1"]}]})";
  const CampaignView view = view_of(items);
  const auto fields = findings_of("M101", view);
  ASSERT_EQ(fields.size(), 10u);  // all but the score
  EXPECT_EQ(fields[5].text, "1 of 2 have metrics: without them a score rests on nothing that is sealed");
  expect_one(findings_of("M102", view), kWarning, "c",
             "program, seed, dataset_hash, environment, checkpoint, transcript");
  expect_one(findings_of("M103", view), kNote, "", "authors, a licence, a DOI");
  expect_none(findings_of("M104", view));
  EXPECT_EQ(findings_of("M104", view_of({{"x", "y"}})).size(), 2u);
}

// A search of assay's own with one candidate; `facts`: members of campaign.json's "extra".
Items search_of(const std::string& facts) {
  Items items = campaign_of(R"(,"system":"assay-search","extra":{)" + facts + "}", {{"0", "", ""}});
  items["search/journal"] = "journal";
  items["search/recipe.json"] = "{}";
  items["experiments/0/program.py"] = "class DeltaNet: pass";
  return items;
}

TEST(CheckResultRoot, FollowsFromTheItems) {
  const std::string root = formats::result_root(manifest_of(search_of("")))->hex();
  const std::string named = R"("complete":true,"result_root":")" + root + "\"";
  expect_none(findings_of("C172", view_of(search_of(named))));
  for (const char* name : {"search/journal", "search/recipe.json", "experiments/0/program.py"}) {
    Items altered = search_of(named);
    altered[name] += " ";
    expect_one(findings_of("C172", view_of(altered)), kError, "", "not that of the search's items");
  }
  Items more = search_of(named);
  more["search/attempts.jsonl"] = "{}";  // what depends on the machine is not in it
  expect_none(findings_of("C172", view_of(more)));
}

TEST(CheckResultRoot, WhereThereIsNone) {
  expect_none(findings_of("C172", view_of(search_of(R"("complete":false)"))));
  expect_one(findings_of("C172", view_of(search_of(R"("complete":true)"))), kError, "",
             "names no result root");
  expect_none(findings_of("C172", view_of(campaign_of("", {{"1", "", ""}}))));
}

}  // namespace
}  // namespace assay::verify
