// A live campaign's export and logs: a small one in data/asi-arch-live, broken ones made here.
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archives/mongo_json.hpp"
#include "tests/archives/import_support.hpp"

namespace assay::archives {
namespace {

using testing::HasSubstr;

const fs::path kLive = fs::path(ASSAY_SOURCE_DIR) / "tests/archives/data/asi-arch-live";

std::map<std::string, Json> steps_of(const Import& import) {
  std::map<std::string, Json> steps;
  const std::string text = content(import, "steps.jsonl");
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    const Json step = *Json::parse(std::string_view(text).substr(at, end - at));
    const std::string& id = *step["id"].string();
    steps[id.substr(std::string("pipeline_20250601_").size())] = step;
    at = end + 1;
  }
  return steps;
}

TEST(LiveAsiArch, ReadsTheExport) {
  const auto import = import_from("asi-arch", kLive);
  ASSERT_TRUE(import.ok()) << import.error().what << " " << import.error().where;
  const Json first = json_of(*import, "experiments/1/experiment.json");
  EXPECT_EQ(first["created"], Json("2025-06-01T11:00:00.000Z"));
  EXPECT_EQ(first["score"], Json(1.5));
  EXPECT_EQ(first["parents"].size(), 0u);
  EXPECT_EQ(first["extra"]["_id"], Json("665000000000000000000001"));
  EXPECT_EQ(first["extra"]["updated_at"], Json("1748772000000"));
  EXPECT_EQ(first["extra"].find("motivation_embedding"), nullptr);
  EXPECT_EQ(content(*import, "experiments/1/analysis.md"), "What delta_net showed.");
  EXPECT_EQ(first["files"]["knowledge"], Json("experiments/1/cognition.md"));
  EXPECT_EQ(json_of(*import, "experiments/2/experiment.json")["score"], Json("nan"));
  EXPECT_EQ(json_of(*import, "experiments/4/experiment.json")["score"], Json("nan"));
  EXPECT_EQ(find_item(*import, "experiments/4/metrics.csv"), nullptr);  // empty results have no numbers
}

TEST(LiveAsiArch, StepsSayWhoWroteWhat) {
  const auto import = import_from("asi-arch", kLive);
  ASSERT_TRUE(import.ok());
  auto steps = steps_of(*import);
  EXPECT_EQ(steps.size(), 7u);
  const Json& planner = steps["100000_experiment/call_1_planner"];
  EXPECT_EQ(planner["experiment"], Json("2"));
  EXPECT_EQ(planner["linked_by"], Json("program"));  // the checker's answer holds the program
  EXPECT_EQ(planner["order"], Json(1));
  EXPECT_EQ(planner["writes"].dump(), R"(["name","motivation","program"])");
  EXPECT_EQ(planner["reads"]["parents"].dump(), R"(["1"])");
  EXPECT_EQ(planner["usage"]["input_tokens"], Json(12));
  EXPECT_EQ(steps["100000_experiment/call_2_code_checker"]["writes"].dump(), R"(["program"])");
  EXPECT_EQ(steps["100000_experiment/call_2_code_checker"].find("reads"), nullptr);
  EXPECT_EQ(steps["100000_experiment/call_3_trainer"].find("writes"), nullptr);  // it failed
  EXPECT_EQ(steps["100000_experiment/call_4_analyzer"]["writes"].dump(), R"(["analysis","cognition"])");
  const Json& summarizer = steps["100000_experiment/call_5_summarizer"];  // only in pipeline.log
  EXPECT_THAT(*summarizer["transcript"].string(), HasSubstr("pipeline.log"));
  EXPECT_EQ(summarizer["order"], Json(5));
  for (const auto& [id, step] : steps)
    EXPECT_NE(find_item(*import, *step["transcript"].string()), nullptr) << id;
}

TEST(LiveAsiArch, LinksOnlyWhatIsProved) {
  const auto import = import_from("asi-arch", kLive);
  ASSERT_TRUE(import.ok());
  auto steps = steps_of(*import);
  EXPECT_EQ(steps["110000_experiment/call_1_planner"].find("experiment"), nullptr);  // two have that name
  EXPECT_EQ(steps["120000_experiment/call_1_planner"]["experiment"], Json("1"));
  EXPECT_EQ(steps["120000_experiment/call_1_planner"]["linked_by"], Json("name"));
}

TEST(LiveAsiArch, ArraysAreReadLikeLines) {
  const TestFolder folder;
  const std::string lines = *read_file(kLive / "data_elements.json");
  std::string array = "[";
  for (const char c : lines) array += c == '\n' ? ',' : c;
  array.back() = ']';
  folder.write("data_elements.json", array);
  const auto from_array = import_from("asi-arch", folder.path());
  const auto from_lines = import_from("asi-arch", kLive);
  ASSERT_TRUE(from_array.ok()) << from_array.error().what;
  for (const char* name :
       {"experiments/1/experiment.json", "experiments/3/metrics.csv", "experiments/4/program.py"})
    EXPECT_EQ(content(*from_array, name), content(*from_lines, name)) << name;
}

TEST(LiveAsiArch, NamesWhatIsBrokenAndGoesOn) {
  const struct {
    const char *line, *what, *where;
  } kCases[] = {
      {R"({"index": {"$numberInt": "x"}, "name": "a"})", "a number as a string", "record 0"},
      {R"({"name": "a"})", "an integer", "field \"index\""},
      {R"({"index": 2, "name": "a"})", "earlier record", "record 1, field \"index\""},
      {R"({"index": 1, "name": ["a"]})", "a string", "field \"name\""},
      {R"({"index": 1, "name": "a", "log": 3})", "a string", "field \"log\""},
      {R"({"index": 1, "name": "a", "score": "high"})", "a number", "field \"score\""},
      {R"({"index": 1, "name": "a" "b"})", "not valid JSON", "record 0"},
  };
  ImportOptions going;
  going.keep_going = true;
  for (const auto& one : kCases) {
    const TestFolder folder;
    const bool second = std::string(one.where).starts_with("record 1");
    const std::string good = R"({"index": 2, "name": "good", "program": "x"})";
    folder.write("data_elements.json",
                 (second ? good + "\n" : "") + one.line + "\n" + (second ? "" : good + "\n"));
    const auto import = import_from("asi-arch", folder.path());
    ASSERT_FALSE(import.ok()) << one.line;
    EXPECT_THAT(import.error().what, HasSubstr(one.what)) << one.line;
    EXPECT_THAT(import.error().where, HasSubstr(one.where)) << one.line;
    const auto rest = import_from("asi-arch", folder.path(), going);
    ASSERT_TRUE(rest.ok()) << rest.error().what;
    EXPECT_EQ(rest->problems.size(), 1u);
    EXPECT_EQ(content(*rest, "experiments/2/program.py"), "x");
  }
}

TEST(LiveAsiArch, BrokenCallsAreNamed) {
  const TestFolder folder;
  folder.write("data_elements.jsonl", R"({"index": 1, "name": "a"})");
  folder.write("logs/agent_calls/pipeline_1_experiment/call_1_planner.json", R"({"call_id": 5})");
  const auto import = import_from("asi-arch", folder.path());
  ASSERT_FALSE(import.ok());
  EXPECT_THAT(import.error().where, HasSubstr("call_1_planner.json"));
  EXPECT_THAT(import.error().what, HasSubstr("call_id"));
}

TEST(MongoJson, BecomesPlain) {
  const auto plain = [](const char* text) {
    const auto json = plain_json(*Json::parse(text));
    return json ? json->dump() : "error: " + json.error().what;
  };
  EXPECT_EQ(plain(R"({"a": {"$oid": "0a"}, "b": [{"$numberLong": "-5"}], "c": {"$numberDouble": "0.1"}})"),
            R"({"a":"0a","b":[-5],"c":0.1})");
  EXPECT_EQ(plain(R"({"$numberDouble": "NaN"})"), R"("nan")");
  EXPECT_EQ(plain(R"({"$numberDouble": "-Infinity"})"), R"("-inf")");
  EXPECT_EQ(plain(R"({"$date": {"$numberLong": "12"}})"), R"("12")");
  EXPECT_EQ(plain(R"({"$date": "2025"})"), R"("2025")");
  EXPECT_EQ(plain(R"({"$other": 1, "$oid": "x"})"), R"({"$other":1,"$oid":"x"})");
  EXPECT_THAT(plain(R"({"$numberInt": 5})"), HasSubstr("error"));
  EXPECT_THAT(plain(R"({"$date": []})"), HasSubstr("error"));
}

}  // namespace
}  // namespace assay::archives
