// A run of ASI-Evolve: the real one where it is at hand, small ones made here.
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archives/text_index.hpp"
#include "formats/campaign.hpp"
#include "tests/archives/import_support.hpp"

namespace assay::archives {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : list.items()) out.emplace_back(item.string_or("?"));
  return out;
}

std::map<std::string, Json> steps_by_id(const Import& import) {
  std::map<std::string, Json> steps;
  const std::string text = content(import, "steps.jsonl");
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    const Json step = *Json::parse(std::string_view(text).substr(at, end - at));
    steps[*step["id"].string()] = step;
    at = end + 1;
  }
  return steps;
}

Json record_of(const Import& import, const std::string& id) {
  return json_of(import, "experiments/" + id + "/experiment.json");
}

// ---- the real run

class RealRun : public testing::Test {
 protected:
  void SetUp() override {
    source_ = shared("data/asi-evolve/island_seq");
    if (source_.empty()) GTEST_SKIP() << "no shared/data/asi-evolve (set ASSAY_SHARED)";
    auto import = import_from("asi-evolve", source_);
    ASSERT_TRUE(import.ok()) << import.error().what << " " << import.error().where;
    import_ = std::make_unique<Import>(std::move(*import));
  }
  fs::path source_;
  std::unique_ptr<Import> import_;
};

TEST_F(RealRun, EveryStepIsAnExperiment) {
  std::map<std::string, int> status;
  int evicted = 0, all = 0;
  for (const ImportedItem& item : import_->items) {
    if (!formats::experiment_record_id(item.name)) continue;
    const auto experiment = formats::Experiment::parse(*item.text());
    ASSERT_TRUE(experiment.ok()) << experiment.error().what;
    ++all, ++status[*experiment->status];
    evicted += experiment->evicted;
    EXPECT_TRUE(experiment->parents.has_value()) << experiment->id;
    for (const auto& [role, name] : experiment->files) EXPECT_NE(find_item(*import_, name), nullptr) << name;
  }
  EXPECT_EQ(all, 61);
  EXPECT_EQ(status["failed"], 5);         // no answer that held a program
  EXPECT_EQ(status["unsuccessful"], 13);  // the evaluator's own word
  EXPECT_EQ(evicted, 32);                 // 56 nodes were added, 24 live
}

TEST_F(RealRun, FilesAreSealedOnceAndVerbatim) {
  int files = 0;
  for (const ImportedItem& item : import_->items) {
    if (!item.name.starts_with("source/")) continue;
    ++files;
    EXPECT_EQ(item.name, "source/" + item.path());
    EXPECT_EQ(item.text(), nullptr);
  }
  EXPECT_EQ(files, static_cast<int>(walk_files(source_)->size()));
  EXPECT_NE(find_item(*import_, "source/database_data/faiss/faiss_meta.pkl"), nullptr);
}

TEST_F(RealRun, NodesAndStepsAreJoined) {
  const Json live = record_of(*import_, "step_6");
  EXPECT_EQ(live["extra"]["node_id"], Json(5));
  EXPECT_EQ(live["visits"], Json(8));
  EXPECT_EQ(live["island"], Json(1));
  EXPECT_EQ(live["score"], Json(1.7190438976487323));
  EXPECT_THAT(texts(live["parents"]), ElementsAre("step_0_initial", "step_1", "step_5"));
  EXPECT_EQ(live["extra"]["best"], Json(true));
  const Json evicted = record_of(*import_, "step_4");  // the same program as step_1
  EXPECT_EQ(evicted["evicted"], Json(true));
  EXPECT_EQ(evicted["extra"]["node_id"], Json(3));
  EXPECT_EQ(record_of(*import_, "step_1")["extra"]["node_id"], Json(1));
  const Json seed = record_of(*import_, "step_0_initial");
  EXPECT_EQ(seed["files"]["program"], Json("source/steps/best/step_0_initial/code"));
  EXPECT_EQ(seed["parents"].dump(), "[]");
  EXPECT_EQ(texts(json_of(*import_, "campaign.json")["extra"]["best_history"]),
            (std::vector<std::string>{"step_0_initial", "step_2", "step_6", "step_11", "step_29"}));
}

// The same parents come out of the prompts as nodes.json has for the nodes that live.
TEST_F(RealRun, PromptsProveTheParentsThatTheDatabaseHas) {
  const TestFolder folder;
  for (const FoundFile& file : *walk_files(source_))
    if (file.relative != "database_data/nodes.json")
      folder.write(file.relative, *read_file(source_ / file.relative));
  const auto blind = import_from("asi-evolve", folder.path());
  ASSERT_TRUE(blind.ok()) << blind.error().what;
  int compared = 0;
  for (const ImportedItem& item : import_->items) {
    const auto id = formats::experiment_record_id(item.name);
    if (!id) continue;
    const Json with = record_of(*import_, std::string(*id)), without = record_of(*blind, std::string(*id));
    EXPECT_EQ(with["parents"].dump(), without["parents"].dump()) << *id;
    EXPECT_EQ(without.find("evicted"), nullptr) << "without a database nothing says that a node is gone";
    compared += with["extra"]["parents_from"] == Json("nodes.json");
  }
  EXPECT_EQ(compared, 24);
}

TEST_F(RealRun, StepsSayWhatWasReadAndWritten) {
  const auto steps = steps_by_id(*import_);
  EXPECT_EQ(steps.size(), 121u + 56u);  // 121 logged calls, 56 evaluations
  const Json& researcher = steps.at("step_1/1");
  EXPECT_EQ(researcher["agent"], Json("researcher"));
  EXPECT_THAT(texts(researcher["writes"]), ElementsAre("name", "motivation", "program"));
  EXPECT_THAT(texts(researcher["reads"]["parents"]), ElementsAre("step_0_initial"));
  EXPECT_EQ(researcher["reads"]["knowledge"].size(), 2u);
  EXPECT_EQ(researcher["usage"]["prompt_tokens"], Json(1419));
  EXPECT_EQ(steps.at("step_21/1").find("writes"), nullptr);  // its answer held no program
  EXPECT_EQ(steps.at("step_1/evaluation")["transcript"], Json("source/steps/step_1/eval.log"));
  std::map<std::string, std::int64_t> order;
  for (const auto& [id, step] : steps) {
    EXPECT_TRUE(formats::Step::parse(step.dump()).ok()) << id;
    EXPECT_NE(find_item(*import_, *step["transcript"].string()), nullptr) << id;
  }
  EXPECT_LT(*steps.at("step_1/1")["order"].integer(), *steps.at("step_1/evaluation")["order"].integer());
  EXPECT_LT(*steps.at("step_1/evaluation")["order"].integer(), *steps.at("step_1/2")["order"].integer());
}

TEST_F(RealRun, NumbersKeepTheirDecimalText) {
  const std::string csv = content(*import_, "experiments/step_6/metrics.csv");
  EXPECT_THAT(csv, HasSubstr("sum_radii,,1.7190438976487323\n"));
  EXPECT_THAT(csv, HasSubstr("validity,,1.0\n"));
  EXPECT_THAT(csv, HasSubstr("complexity,,2654\n"));
  EXPECT_THAT(csv, HasSubstr("runtime,,0.4387493133544922\n"));  // from the node
  EXPECT_EQ(csv.find("success"), std::string::npos);
}

// ---- small runs

std::string call_of(int number, const std::string& name, const std::string& prompt,
                    const std::string& answer) {
  return Json::object({{"call_number", number},
                       {"timestamp", "2026-01-01T00:00:0" + std::to_string(number)},
                       {"call_name", name},
                       {"attempt", 1},
                       {"model", "m"},
                       {"messages", Json(Json::Array{Json::object({{"role", "user"}, {"content", prompt}})})},
                       {"response", Json::object({{"content", answer}})}})
      .dump();
}

std::string answer_of(const std::string& name, const std::string& code) {
  return "<name>" + name + "</name><motivation>why " + name + "</motivation><code>" + code + "</code>";
}

/// One finished step: program, results, a researcher's call.
void write_step(const TestFolder& folder, const std::string& id, const std::string& name,
                const std::string& code, const std::string& results, const std::string& prompt = "Begin.") {
  folder.write("steps/" + id + "/code", code);
  folder.write("steps/" + id + "/results.json", results);
  folder.write("steps/" + id + "/llm_logs/llm_call_001_researcher_full_x.json",
               call_of(1, "researcher_full", prompt, answer_of(name, code)));
}

std::string node_of(int id, const std::string& name, const std::string& code, const std::string& results,
                    const std::string& more = "") {
  return "\"" + std::to_string(id) + "\": {\"id\": " + std::to_string(id) + ", \"name\": \"" + name +
         "\", \"code\": \"" + code + "\", \"results\": " + results + ", \"score\": 1.5, \"visit_count\": 3" +
         more + "}";
}

TEST(EvolveRun, EqualProgramsAreToldApartByTheirResults) {
  const TestFolder folder;
  write_step(folder, "step_1", "a", "x = 1", R"({"score": 1.5, "eval_time": 0.12345678901})");
  write_step(folder, "step_2", "a", "x = 1", R"({"score": 1.5, "eval_time": 0.22345678901})");
  folder.write(
      "database_data/nodes.json",
      "{\"next_id\": 2, \"nodes\": {" +
          node_of(1, "a", "x = 1", R"({"score": 1.5, "eval_time": 0.22345678901})", ", \"parent\": [7]") +
          "}}");
  const auto import = import_from("asi-evolve", folder.path());
  ASSERT_TRUE(import.ok()) << import.error().what << import.error().where;
  EXPECT_EQ(record_of(*import, "step_2")["extra"]["node_id"], Json(1));
  EXPECT_EQ(record_of(*import, "step_2")["extra"]["unmatched_parents"].dump(), "[7]");
  EXPECT_EQ(record_of(*import, "step_2")["parents"].dump(), "[]");
  EXPECT_EQ(record_of(*import, "step_1")["extra"].find("node_id"), nullptr);
  EXPECT_EQ(record_of(*import, "step_1")["extra"]["unmatched_node"], Json(true));
  EXPECT_EQ(record_of(*import, "step_1").find("evicted"), nullptr);
}

TEST(EvolveRun, WhatCannotBeToldApartIsNotJoined) {
  const TestFolder folder;
  const std::string results = R"({"score": 1.5})";
  write_step(folder, "step_1", "a", "x = 1", results);
  write_step(folder, "step_2", "a", "x = 1", results);
  folder.write("database_data/nodes.json", "{\"nodes\": {" + node_of(1, "a", "x = 1", results) + "}}");
  const auto import = import_from("asi-evolve", folder.path());
  ASSERT_TRUE(import.ok()) << import.error().what;
  for (const char* id : {"step_1", "step_2"})
    EXPECT_EQ(record_of(*import, id)["extra"].find("node_id"), nullptr) << id;
}

TEST(EvolveRun, TheOrderOfLinesProvesNothingWithSeveralWorkers) {
  for (const bool sequential : {true, false}) {
    const TestFolder folder;
    const std::string results = R"({"score": 1.5, "eval_time": 0.12345678901})";
    write_step(folder, "step_1", "first", "x = 1", results);
    write_step(folder, "step_2", "second", "x = 2", results);
    const std::string stamp = "[2026-01-01 00:00:00] [INFO] ";
    folder.write(
        "logs/evolve.log",
        stamp + (sequential ? "Starting sequential pipeline for 2 steps\n" : "Starting parallel pipeline\n") +
            stamp + "=== Step 1 ===\n" + stamp + "Sampled 0 context nodes\n" + stamp + "=== Step 2 ===\n" +
            stamp + "Added node 4: unheard (score=1.5000)\n" + stamp +
            "Added node 5: first (score=1.5000)\n");
    folder.write("database_data/nodes.json", "{\"nodes\": {}}");
    const auto import = import_from("asi-evolve", folder.path());
    ASSERT_TRUE(import.ok()) << import.error().what;
    const Json first = record_of(*import, "step_1"), second = record_of(*import, "step_2");
    EXPECT_EQ(second["extra"]["node_id"], sequential ? Json(4) : Json());
    EXPECT_EQ(first["extra"]["node_id"], sequential ? Json() : Json(5));  // its name, and no other's
    EXPECT_EQ(first["parents"].dump(), sequential ? "[]" : "null");  // how many were sampled is not known
  }
}

TEST(EvolveRun, ParentsStandInThePrompt) {
  const TestFolder folder;
  write_step(folder, "step_1", "first", "def f():\n    return 1",
             R"({"score": 1, "eval_time": 0.11111111112})");
  write_step(folder, "step_2", "second", "def f():\n    return 2",
             R"({"score": 2, "eval_time": 0.22222222223})");
  const std::string both = "### second\ndef f():\n    return 2\n### first\ndef f():\n    return 1\n";
  write_step(folder, "step_3", "third", "def f():\n    return 3", R"({"score": 3})", both);
  const std::string stamp = "[2026-01-01 00:00:00] [INFO] ";
  const auto log = [&](int sampled) {
    folder.write("logs/evolve.log", stamp + "Starting sequential pipeline for 3 steps\n" + stamp +
                                        "=== Step 3 ===\n" + stamp + "Sampled " + std::to_string(sampled) +
                                        " context nodes\n");
  };
  log(2);
  auto import = import_from("asi-evolve", folder.path());
  ASSERT_TRUE(import.ok()) << import.error().what;
  EXPECT_THAT(texts(record_of(*import, "step_3")["parents"]),
              ElementsAre("step_2", "step_1"));  // as they stand there
  log(3);  // one more was sampled than can be found: what is known is not all
  import = import_from("asi-evolve", folder.path());
  EXPECT_EQ(record_of(*import, "step_3").find("parents"), nullptr);
  EXPECT_THAT(texts(steps_by_id(*import).at("step_3/1")["reads"]["parents"]), ElementsAre("step_2", "step_1"));
}

// A child's program often holds its parent's as a part, and names share beginnings.
TEST(EvolveRun, AnAncestorWithinAProgramIsNoParent) {
  const TestFolder folder;
  write_step(folder, "step_1", "cand_1", "a = 1", R"({"score": 1})");
  write_step(folder, "step_2", "cand_12", "a = 1\nb = 2", R"({"score": 2})");
  write_step(folder, "step_3", "cand_3", "c = 3", R"({"score": 3})",
             "### cand_12 (from cand_1)\na = 1\nb = 2\n");
  const std::string stamp = "[2026-01-01 00:00:00] [INFO] ";
  folder.write("logs/evolve.log", stamp + "Starting sequential pipeline for 3 steps\n" + stamp +
                                      "=== Step 3 ===\n" + stamp + "Sampled 1 context nodes\n");
  const auto import = import_from("asi-evolve", folder.path());
  ASSERT_TRUE(import.ok()) << import.error().what;
  EXPECT_THAT(texts(record_of(*import, "step_3")["parents"]), ElementsAre("step_2"));
}

TEST(EvolveRun, BrokenFilesAreNamedAndLeftOut) {
  const struct {
    const char *file, *text, *what, *where;
  } kCases[] = {
      {"steps/step_1/results.json", "{\"score\": }", "not valid JSON", "steps/step_1/results.json"},
      {"steps/step_1/results.json", "[1]", "expected an object", "steps/step_1/results.json"},
      {"steps/step_1/code", "x = \xff", "not UTF-8", "steps/step_1/code"},
      {"steps/step_1/llm_logs/llm_call_002_x.json", "{", "not valid JSON", "llm_call_002_x.json"},
      {"steps/step_1/llm_logs/llm_call_002_x.json", "{\"call_number\": \"2\"}", "call_name",
       "llm_call_002_x.json"},
      {"steps/best/step_1/code", "x = 2", "snapshot", "steps/best/step_1/code"},
      {"steps/a b/code", "x = 2", "not an experiment id", "steps/a b"},
      {"database_data/nodes.json", "{\"nodes\": {\"1\": {\"id\": 2, \"name\": \"a\", \"code\": \"\"}}}",
       "listed under", "node 1"},
      {"database_data/nodes.json", "{\"nodes\": {\"1\": {\"id\": 1, \"name\": 3, \"code\": \"\"}}}", "string",
       "node 1, field \"name\""},
      {"database_data/nodes.json",
       "{\"nodes\": {\"1\": {\"id\": 1, \"name\": \"a\", \"code\": \"\", \"parent\": [\"x\"]}}}", "node ids",
       "field \"parent\""},
      {"cognition_data/cognition.json", "{\"items\": {\"k\": {\"content\": 5}}}", "expected a string",
       "item k"},
  };
  for (const auto& one : kCases) {
    const TestFolder folder;
    write_step(folder, "step_1", "a", "x = 1", R"({"score": 1.5})");
    folder.write(one.file, one.text);
    const auto import = import_from("asi-evolve", folder.path());
    ASSERT_FALSE(import.ok()) << one.file << " " << one.text;
    const std::string all = import.error().what + " " + import.error().where;
    EXPECT_THAT(all, HasSubstr(one.what)) << one.file;
    EXPECT_THAT(import.error().where, HasSubstr(one.where)) << all;
    ImportOptions options;
    options.keep_going = true;
    const auto rest = import_from("asi-evolve", folder.path(), options);
    ASSERT_TRUE(rest.ok()) << rest.error().what;
    EXPECT_EQ(rest->problems.size(), 1u) << one.file;
    EXPECT_NE(find_item(*rest, "experiments/step_1/experiment.json"), nullptr);
    EXPECT_NE(find_item(*rest, std::string("source/") + one.file), nullptr);  // sealed as it is, all the same
  }
}

TEST(EvolveRun, IsNotFoundWhereItIsNot) {
  const TestFolder folder;
  folder.write("readme.txt", "x");
  const auto import = import_from("asi-evolve", folder.path());
  ASSERT_FALSE(import.ok());
  EXPECT_EQ(import.error().fault, Fault::missing);
}

TEST(TextIndex, FindsEveryTextOnce) {
  TextIndex index;
  index.add("short", 1);
  index.add("a longer text", 2);
  index.add("a longer text that goes on", 3);
  index.add("", 4);
  index.add("a longer text", 5);
  EXPECT_THAT(index.find("no a longer text, a longer text."), ElementsAre(2u, 5u));
  EXPECT_THAT(index.find("short: a longer text that goes on"), ElementsAre(1u, 2u, 3u, 5u));
  EXPECT_THAT(index.find("a longer tex"), ElementsAre());
  EXPECT_THAT(index.find(""), ElementsAre());
}

}  // namespace
}  // namespace assay::archives
