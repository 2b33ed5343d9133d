#include "verify/query/list.hpp"

#include <gtest/gtest.h>

#include "tests/verify/memory_items.hpp"

namespace assay::verify {
namespace {

Json list(const ListOptions& options) {
  MemoryItems items = small_campaign();
  auto document = list_experiments(items.seal(), options);
  EXPECT_TRUE(document.ok()) << (document.ok() ? "" : document.error().what);
  return document.ok() ? *document : Json();
}

std::string ids(const ListOptions& options) {
  std::string out;
  const Json document = list(options);
  for (const Json& row : document["rows"].items())
    out += (out.empty() ? "" : " ") + std::string(row["id"].string_or("?"));
  return out;
}

TEST(List, SelectsAndSorts) {
  EXPECT_EQ(ids({}), "1 2 3 4 5");
  EXPECT_EQ(ids({.where = "score>1"}), "1 2 4");
  EXPECT_EQ(ids({.where = "name~gate and score>=2.25"}), "2 4");
  EXPECT_EQ(ids({.where = "status!=ok"}), "3");
  EXPECT_EQ(ids({.where = "metric.acc>=0.4"}), "1 2");
  EXPECT_EQ(ids({.where = "metric.train_loss<3.6"}), "2 4");
  EXPECT_EQ(ids({.where = "min.train_loss<3.6 and first.train_loss>10.7"}), "2");
  EXPECT_EQ(ids({.where = "has(program) and not has(motivation)"}), "1 4");
  EXPECT_EQ(ids({.where = "parents=1"}), "2 3");
  EXPECT_EQ(ids({.where = "not has(parents)"}), "5");
  EXPECT_EQ(ids({.where = "depth=2"}), "4");
  EXPECT_EQ(ids({.where = "children>0", .sort = "children"}), "2 1");
  EXPECT_EQ(ids({.where = "seed.init=42 and extra.island=3"}), "2");
  EXPECT_EQ(ids({.sort = "score:desc"}), "4 2 1 5 3");
  EXPECT_EQ(ids({.sort = "score", .limit = 2}), "5 1");
  EXPECT_EQ(ids({.sort = "metric.acc"}), "1 2 4 3 5");
}

TEST(List, RefusesWhatItDoesNotKnow) {
  MemoryItems items = small_campaign();
  items.seal();
  for (const ListOptions& options : {ListOptions{.where = "metric.nothing>1"}, ListOptions{.sort = "colour"},
                                     ListOptions{.columns = {"id", "x.y"}}, ListOptions{.sort = "score:up"},
                                     ListOptions{.where = "score>"}}) {
    const auto document = list_experiments(items, options);
    ASSERT_FALSE(document.ok());
    EXPECT_EQ(document.error().fault, Fault::usage);
  }
}

TEST(List, TextIsATableWithoutControlCharacters) {
  EXPECT_EQ(list_text(list({.where = "score>1", .sort = "score:desc", .limit = 2})),
            "id  name                                              parents  status  score\n"
            "--  ------------------------------------------------  -------  ------  -----\n"
            "4   gate \\x1b[31mred\\x1b[0m <script>alert(1)</scr...  2        ok      2.500\n"
            "2   gate                                              1        ok      2.250\n"
            "3 of 5 experiments, the first 2 shown\n");
}

TEST(List, CsvDisarmsFormulasAndQuotes) {
  EXPECT_EQ(list_csv(list({.where = "id=3 or id=1", .columns = {"id", "name", "score"}})),
            "id,name,score\n"
            "1,root,1.5\n"
            "3,\"'=HYPERLINK(\"\"x\"\")\",\n");
}

TEST(List, CountsRecordsThatCannotBeRead) {
  MemoryItems items = small_campaign();
  items.put("experiments/6/experiment.json", "{\"id\":7}");
  const auto document = list_experiments(items.seal(), {});
  ASSERT_TRUE(document.ok());
  EXPECT_EQ((*document)["unreadable"].integer(), 1);
  EXPECT_NE(list_text(*document).find("1 record could not be read"), std::string::npos);
}

TEST(List, AnEmptyCampaignIsNoError) {
  MemoryItems items;
  items.put("campaign.json", R"({"assay":"campaign","version":1,"title":"t"})");
  const auto document = list_experiments(items.seal(), {});
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(list_text(*document), "0 experiments\n");
  EXPECT_EQ(list_csv(*document), "id\n");
}

}  // namespace
}  // namespace assay::verify
