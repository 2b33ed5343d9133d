// Runs of OpenEvolve: the sample that it made itself, and small ones made here. And the second layout of
// ASI-Evolve.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/campaign.hpp"
#include "tests/archives/import_support.hpp"

namespace assay::archives {
namespace {

using testing::HasSubstr;

const fs::path kSamples = fs::path(ASSAY_SOURCE_DIR) / "tests/search/samples";

TEST(OpenEvolve, TheSampleIsWhole) {
  const auto import = import_from("openevolve", kSamples / "openevolve-rewrites");
  ASSERT_TRUE(import.ok()) << import.error().what;
  int programs = 0, roots = 0, evicted = 0;
  for (const ImportedItem& item : import->items) {
    if (!formats::experiment_record_id(item.name)) continue;
    const auto experiment = formats::Experiment::parse(*item.text());
    ASSERT_TRUE(experiment.ok()) << experiment.error().what;
    ++programs;
    evicted += experiment->evicted;
    roots += experiment->parents && experiment->parents->empty();
    EXPECT_TRUE(experiment->score);
  }
  EXPECT_GT(programs, 6);
  EXPECT_EQ(roots, 1) << "the initial program";
  EXPECT_GT(evicted, 0);
  EXPECT_THAT(content(*import, "steps.jsonl"), HasSubstr(R"("agent":"generator")"));
  EXPECT_EQ(json_of(*import, "campaign.json")["system"].string_or(""), "openevolve");
}

TEST(OpenEvolve, BrokenProgramsAreNamed) {
  TestFolder folder;
  const std::string programs = "out/checkpoints/checkpoint_1/programs/";
  folder.write(programs + "a.json",
               R"({"id":"a","code":"x","parent_id":"gone","metrics":{"combined_score":0.50,"note":"text"}})");
  folder.write(programs + "b.json", R"({"id":"c","code":"x"})");
  const auto strict = import_from("openevolve", folder.path());
  ASSERT_FALSE(strict.ok());
  EXPECT_THAT(strict.error().where + strict.error().what, HasSubstr("b.json"));
  ImportOptions options;
  options.keep_going = true;
  const auto import = import_from("openevolve", folder.path(), options);
  ASSERT_TRUE(import.ok()) << import.error().what;
  EXPECT_EQ(import->problems.size(), 1u);
  EXPECT_EQ(content(*import, "experiments/a/metrics.csv"), "metric,step,value\ncombined_score,,0.50\n");
  EXPECT_EQ(json_of(*import, "experiments/a/experiment.json")["extra"]["parent_not_on_record"].string_or(""),
            "gone");
}

TEST(OpenEvolve, AnotherFolderIsRefused) {
  TestFolder folder;
  folder.write("x", "y");
  const auto import = import_from("openevolve", folder.path());
  ASSERT_FALSE(import.ok());
  EXPECT_THAT(import.error().what, HasSubstr("no run of OpenEvolve here"));
}

TEST(AsiEvolveRounds, NodesAndStepsAreJoinedAsStored) {
  TestFolder folder;
  folder.write(
      "round_log.jsonl",
      R"({"timestamp":"t","event":"db_sample","payload":{"n":3,"algorithm":"ucb1"}})"
      "\n"
      R"({"timestamp":"t","event":"eval_run","payload":{"step_name":"wide","return_code":0}})"
      "\n"
      R"({"timestamp":"t","event":"db_record","payload":{"node_id":0,"name":"Wide","score":0.5,"step_name":"wide"}})"
      "\n"
      R"({"timestamp":"t","event":"db_record","payload":{"node_id":1,"name":"Deep","score":0.7,"step_name":"deep"}})"
      "\n");
  folder.write("database_data/nodes.json",
               R"({"next_id":2,"nodes":{"1":{"id":1,"name":"Deep","code":"same","parent":[0],"score":0.7,)"
               R"("meta_info":{"step_name":"deep"},"visit_count":0}}})");
  for (const std::string step : {"wide", "deep"}) {
    folder.write("steps/" + step + "/code", "same");
    folder.write("steps/" + step + "/results.json", R"({"eval_score":0.5,"success":true})");
    folder.write("steps/" + step + "/eval.stdout", "ran\n");
    folder.write("steps/" + step + "/analysis.md", "It is " + step + ".");
  }
  const auto import = import_from("asi-evolve", folder.path());
  ASSERT_TRUE(import.ok()) << import.error().what;
  const Json wide = json_of(*import, "experiments/wide/experiment.json"),
             deep = json_of(*import, "experiments/deep/experiment.json");
  EXPECT_EQ(wide["index"], Json(1));
  EXPECT_EQ(deep["index"], Json(2));
  EXPECT_EQ(wide["extra"]["node_id"], Json(0)) << "evicted: the log alone has it";
  EXPECT_EQ(wide["files"]["analysis"].string_or(""), "source/steps/wide/analysis.md");
  EXPECT_EQ(deep["parents"].dump(), R"(["wide"])");
  EXPECT_EQ(deep["files"]["log"].string_or(""), "source/steps/deep/eval.stdout");
}

}  // namespace
}  // namespace assay::archives
