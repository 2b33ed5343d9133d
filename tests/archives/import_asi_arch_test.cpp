// The published tables: the real ones where they are at hand, broken ones made here.
#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/campaign.hpp"
#include "tests/archives/import_support.hpp"

namespace assay::archives {
namespace {

using testing::HasSubstr;

class PublishedAsiArch : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const fs::path source = shared("data/asi-arch");
    if (source.empty()) return;
    auto result = import_from("asi-arch", source);
    ASSERT_TRUE(result.ok()) << result.error().what << " " << result.error().where;
    import_ = std::make_unique<Import>(std::move(*result));
    best_ = *Json::parse(*read_file(source / "106.json"));
    tree_ = *Json::parse(*read_file(source / "tree.json"));
    for (const ImportedItem& item : import_->items) items_[item.name] = &item;
  }
  static void TearDownTestSuite() { import_.reset(); }
  void SetUp() override {
    if (!import_) GTEST_SKIP() << "no shared/data/asi-arch (set ASSAY_SHARED)";
  }

  static std::string text(const std::string& name) {
    const auto at = items_.find(name);
    return at == items_.end() ? "(no item " + name + ")" : content(*import_, *at->second);
  }
  static std::string folder(const Json& record) {
    return "experiments/" + std::to_string(*record["index"].integer()) + "/";
  }

  static std::unique_ptr<Import> import_;
  static Json best_, tree_;
  static std::map<std::string, const ImportedItem*> items_;
};
std::unique_ptr<Import> PublishedAsiArch::import_;
Json PublishedAsiArch::best_, PublishedAsiArch::tree_;
std::map<std::string, const ImportedItem*> PublishedAsiArch::items_;

TEST_F(PublishedAsiArch, EveryExperimentIsThere) {
  std::map<std::string, int> leaves;
  for (const auto& [name, item] : items_)
    if (name.starts_with("experiments/")) ++leaves[name.substr(name.rfind('/') + 1)];
  EXPECT_EQ(leaves["experiment.json"], 1772);
  for (const char* leaf : {"program.py", "motivation.md", "summary.md", "picture.svg", "metrics.csv"})
    EXPECT_EQ(leaves[leaf], 106) << leaf;
  EXPECT_EQ(leaves.size(), 6u);
  EXPECT_TRUE(import_->problems.empty());
}

TEST_F(PublishedAsiArch, ProgramsAreTheSameBytes) {
  ASSERT_EQ(best_.size(), 106u);
  for (const Json& record : best_.items()) {
    EXPECT_EQ(text(folder(record) + "program.py"), *record["program"].string());
    EXPECT_EQ(text(folder(record) + "motivation.md"), *record["motivation"].string());
    EXPECT_EQ(text(folder(record) + "summary.md"), *record["summary"].string());
    EXPECT_EQ(text(folder(record) + "picture.svg"), *record["svg_picture"].string());
  }
}

TEST_F(PublishedAsiArch, CurvesAndBenchmarkRowsAreWhole) {
  for (const Json& record : best_.items()) {
    const auto values = formats::parse_metrics(text(folder(record) + "metrics.csv"), "metrics.csv");
    ASSERT_TRUE(values.ok()) << values.error().what;
    std::string train, test;
    for (const auto& value : *values) (value.metric == "train_loss" ? train : test) += "," + value.text;
    // The decimal text of every cell, in its order.
    const std::string& train_csv = *record["result"]["train"].string();
    const std::string& test_csv = *record["result"]["test"].string();
    EXPECT_EQ(*record["name"].string() + train, train_csv.substr(train_csv.find('\n') + 1));
    EXPECT_EQ(*record["name"].string() + test, test_csv.substr(test_csv.find('\n') + 1));
    EXPECT_EQ(
        std::count_if(values->begin(), values->end(), [](const auto& v) { return v.metric == "train_loss"; }),
        21);
    EXPECT_EQ(values->size(), 21u + 11u);
    EXPECT_EQ((*values)[0].step, 1);
    EXPECT_EQ((*values)[20].step, 2000);
  }
}

TEST_F(PublishedAsiArch, RecordsSayWhatTheTreeSays) {
  std::set<std::string> names;
  for (const Json& record : tree_["results"].items()) {
    const auto experiment = formats::Experiment::parse(text(folder(record) + "experiment.json"));
    ASSERT_TRUE(experiment.ok()) << experiment.error().what;
    EXPECT_EQ(experiment->index, record["index"].integer());
    EXPECT_EQ(experiment->name, *record["name"].string());
    EXPECT_EQ(experiment->score, record["score"].number());  // the exact double
    EXPECT_EQ(experiment->label.has_value(), record.find("name_new") != nullptr);
    ASSERT_TRUE(experiment->parents.has_value());
    if (record["parent"].is_null())
      EXPECT_TRUE(experiment->parents->empty());
    else
      EXPECT_EQ(experiment->parents->at(0), std::to_string(*record["parent"].integer()));
    names.insert(*record["name"].string());
  }
  EXPECT_LT(names.size(), tree_["results"].size());  // names are no keys: joining by them would lose records
}

TEST_F(PublishedAsiArch, SaysWhoAndWhat) {
  const auto head = formats::CampaignHead::parse(text("campaign.json"));
  ASSERT_TRUE(head.ok()) << head.error().what;
  EXPECT_EQ(head->system, "asi-arch");
  EXPECT_EQ(head->lineage, "tree");
  std::map<std::string, std::optional<std::int64_t>> samples;
  for (const auto& metric : head->metrics) samples[metric.name] = metric.samples;
  EXPECT_EQ(samples["arc_easy"], 2376);
  EXPECT_EQ(samples["lambada_openai"], 5153);
  EXPECT_EQ(samples.size(), 12u);
  const auto claims = formats::parse_claims(text("claims.json"));
  const auto baselines = formats::parse_baselines(text("baselines.json"));
  ASSERT_TRUE(claims.ok() && baselines.ok());
  EXPECT_TRUE(std::all_of(claims->begin(), claims->end(), [](const auto& claim) { return claim.external; }));
  EXPECT_EQ(baselines->at(0).metrics.at("arc_easy"), 0.4407);
  EXPECT_EQ(text("source/106.json"), *read_file(import_->root / "106.json"));
}

// ---- broken records

std::string best_record(int index, const std::string& change = "", const std::string& by = "") {
  std::string record =
      R"({"name": "a", "result": {"train": ",1,100\na,9.5,7.25", "test": ",arc_easy,lam_ppl\na,0.4,nan"},
    "program": "x = 1", "motivation": "m", "svg_picture": "<svg/>", "index": INDEX, "parent": null, "name_new": "A",
    "summary": "s", "parameters": "1M", "score": 1.5})";
  record.replace(record.find("INDEX"), 5, std::to_string(index));
  if (!change.empty()) record.replace(record.find(change), change.size(), by);
  return record;
}

const char* const kTree = R"({"total_records": 2, "results": [
  {"index": 1, "name": "a", "parent": null, "score": 1.5, "name_new": "A"},
  {"index": 2, "name": "a", "parent": 1, "score": 0.75}]})";

struct BrokenBest {
  const char *change, *by, *what, *where;
};

const BrokenBest kBrokenBest[] = {
    {"\"index\": 1", "\"index\": \"1\"", "an integer", "field \"index\""},
    {"\"index\": 1,", "", "no such field", "field \"index\""},
    {"\"index\": 1", "\"index\": -1", "not negative", "field \"index\""},
    {"\"x = 1\"", "[1]", "a string", "field \"program\""},
    {"x = 1", "x = \xff", "not UTF-8: found the byte 0xff", "field \"program\""},
    {"x = 1", "x = \\ud800", "not valid JSON", "field \"program\""},
    {"1.5", "NaN", "a NaN", "field \"score\""},
    {"1.5", "-Infinity", "an infinity", "field \"score\""},
    {"1.5", "\"1.5\"", "a number", "field \"score\""},
    {"1.5", "1.25", "tree.json says otherwise", "field \"score\""},
    {"\"parent\": null", "\"parent\": 3", "tree.json says otherwise", "field \"parent\""},
    {"9.5,7.25", "9.5,7.25,6", "3 columns, the row 4", "field \"result.train\""},
    {"\\na,9.5", "\\nb,9.5", "the row is that of \"b\"", "field \"result.train\""},
    {"0.4,nan", "0.4,many", "a decimal number", "field \"result.test\", column \"lam_ppl\""},
    {",1,100", ",1,1.5", "a step", "field \"result.train\""},
    {",arc_easy,lam_ppl", ",arc_easy,arc_easy", "two columns", "field \"result.test\""},
    {"\\na,0.4,nan", "", "2 lines", "field \"result.test\""},
    {"{\"train\"", "7, \"r\": {\"train\"", "an object", "field \"result\""},
};

TEST(BrokenAsiArch, NamesFileRecordAndField) {
  for (const BrokenBest& one : kBrokenBest) {
    const TestFolder folder;
    folder.write("tree.json", kTree);
    folder.write("106.json", "[" + best_record(1, one.change, one.by) + "]");
    const auto import = import_from("asi-arch", folder.path());
    ASSERT_FALSE(import.ok()) << one.by;
    const Error& error = import.error();
    const std::string what = std::string(one.what) == "2 lines" ? "expected a header and one row" : one.what;
    EXPECT_THAT(error.what, HasSubstr(what)) << one.by;
    EXPECT_THAT(error.where, HasSubstr("106.json, record 0")) << one.by;
    EXPECT_THAT(error.where, HasSubstr(one.where)) << one.by;
    EXPECT_THAT(error.hint, HasSubstr("--keep-going")) << one.by;
  }
}

TEST(BrokenAsiArch, KeepGoingSealsTheRest) {
  ImportOptions options;
  options.keep_going = true;
  for (const BrokenBest& one : kBrokenBest) {
    const TestFolder folder;
    folder.write("tree.json", kTree);
    std::string second = best_record(2, "null", "1");
    second.replace(second.find("1.5"), 3, "0.75");
    second.replace(second.find("\"name_new\": \"A\","), 16, "");
    folder.write("106.json", "[" + best_record(1, one.change, one.by) + ",\n" + second + "]");
    const auto import = import_from("asi-arch", folder.path(), options);
    ASSERT_TRUE(import.ok()) << import.error().what << " " << import.error().where;
    ASSERT_EQ(import->problems.size(), 1u) << one.by;
    EXPECT_THAT(import->problems[0].where, HasSubstr(one.where)) << one.by;
    EXPECT_EQ(find_item(*import, "experiments/1/program.py"), nullptr);
    EXPECT_NE(find_item(*import, "experiments/1/experiment.json"), nullptr);  // the tree has it
    EXPECT_EQ(content(*import, "experiments/2/program.py"), "x = 1");
  }
}

TEST(BrokenAsiArch, TreeQuirks) {
  const struct {
    const char *tree, *what, *where;
  } kCases[] = {
      {R"({"total_records": 1, "results": [{"index": 1, "name": "a"}, {"index": 1, "name": "b"}]})",
       "that of record 0", "tree.json, record 1, field \"index\""},
      {R"({"total_records": 3, "results": [{"index": 1, "name": "a"}]})", "results holds 1",
       "field \"total_records\""},
      {R"({"results": [{"index": 1, "name": "a"}, {"name": "b"}]})", "no such field",
       "record 1, field \"index\""},
      {R"({"results": [{"index": 1, "name": "a", "parent": "b"}]})", "an experiment", "field \"parent\""},
      {R"({"results": [{"index": 1, "name": "a", "score": NaN}]})", "NaN", "field \"score\""},
      {R"({"results": [7]})", "expected an object", "record 0"},
      {R"({"results": [{"index": 1, "name": "a"}])", "does not end", "tree.json"},
      {R"({"records": []})", "expected an object with total_records", "tree.json"},
      {R"([])", "expected an object", "tree.json"},
      {R"()", "expected an object", "tree.json"},
  };
  for (const auto& one : kCases) {
    const TestFolder folder;
    folder.write("tree.json", one.tree);
    const auto import = import_from("asi-arch", folder.path());
    ASSERT_FALSE(import.ok()) << one.tree;
    EXPECT_THAT(import.error().what, HasSubstr(one.what)) << one.tree;
    EXPECT_THAT(import.error().where, HasSubstr(one.where)) << one.tree;
  }
}

TEST(AsiArch, OneTableIsEnough) {
  const TestFolder best, tree, none;
  best.write("106.json", "[" + best_record(7) + "]");
  const auto from_best = import_from("asi-arch", best.path());
  ASSERT_TRUE(from_best.ok()) << from_best.error().what;
  EXPECT_EQ(content(*from_best, "experiments/7/metrics.csv"),
            "metric,step,value\ntrain_loss,1,9.5\ntrain_loss,100,7.25\narc_easy,,0.4\nlam_ppl,,nan\n");
  EXPECT_EQ(json_of(*from_best, "experiments/7/experiment.json")["parameters"], Json("1M"));
  tree.write("tree.json", kTree);
  const auto from_tree = import_from("asi-arch", tree.path());
  ASSERT_TRUE(from_tree.ok());
  EXPECT_EQ(json_of(*from_tree, "experiments/2/experiment.json")["score"], Json(0.75));
  EXPECT_EQ(json_of(*from_tree, "experiments/2/experiment.json").find("label"), nullptr);
  const auto from_none = import_from("asi-arch", none.path());
  ASSERT_FALSE(from_none.ok());
  EXPECT_EQ(from_none.error().fault, Fault::missing);
}

}  // namespace
}  // namespace assay::archives
