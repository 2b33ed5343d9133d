// `assay train` from outside: what it leaves, how it goes on, what it refuses.
#include <gmock/gmock.h>

#include "tests/replay/replay_fixture.hpp"
#include "toolkit/base/text.hpp"

namespace assay {
namespace {

using test::Ran;
using testing::HasSubstr;
using Train = test::ReplayTest;

TEST_F(Train, LeavesAWholeRun) {
  const Ran ran = train("run");
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("20 steps"));
  EXPECT_THAT(ran.out, HasSubstr("confined by rlimits, seccomp, Landlock ABI"));
  const auto run = formats::read_run(path("run"));
  ASSERT_TRUE(run) << run.error().what << " " << run.error().where;
  EXPECT_EQ(run->checkpoints, (std::vector<std::uint64_t>{0, 5, 10, 15, 20}));
  EXPECT_EQ(run->trace.rows.size(), 20u);
  EXPECT_EQ(run->evaluations.size(), 2u);
  EXPECT_EQ(run->environment["sessions"].size(), 1u);
  EXPECT_EQ(run->environment["sessions"].items()[0]["runner"]["python"].string_or(""), "3.11.2");
  EXPECT_EQ(sha256(file("run/recipe.json")), run->result.recipe);
  EXPECT_FALSE(fs::exists(path("run/work")));
  EXPECT_FALSE(fs::exists(path("run/job.json")));
}

TEST_F(Train, TheSameInputsGiveTheSameTrace) {
  ASSERT_EQ(train("a").status, 0);
  ASSERT_EQ(train("b", {"--threads", "1", "--device", "cpu"}).status, 0);
  for (const char* name :
       {"trace.jsonl", "result.json", "recipe.json", "checkpoints/step-00000020.safetensors"})
    EXPECT_EQ(file("a/" + std::string(name)), file("b/" + std::string(name))) << name;
  write("program.py", "class DeltaNet:\n    x = 1\n");
  ASSERT_EQ(train("c").status, 0);
  EXPECT_NE(file("a/trace.jsonl"), file("c/trace.jsonl"));
}

// Wherever the runner dies, the same command goes on and ends with the same files.
TEST_F(Train, GoesOnAfterTheRunnerDied) {
  ASSERT_EQ(train("whole").status, 0);
  for (const int step : {1, 4, 5, 6, 13, 20}) {
    const std::string run = "run" + std::to_string(step);
    const Ran died = train(run, {}, {"ASSAY_KERNELS=die-at-" + std::to_string(step)});
    ASSERT_EQ(died.status, 6) << died.out << died.err;
    EXPECT_THAT(died.err, HasSubstr("the runner ended before its work was done"));
    EXPECT_FALSE(fs::exists(path(run + "/result.json")));
    const Ran ran = train(run);
    ASSERT_EQ(ran.status, 0) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("resumed   after step " + std::to_string((step - 1) / 5 * 5)));
    for (const char* name :
         {"/trace.jsonl", "/result.json", "/evaluations.jsonl", "/checkpoints/step-00000015.safetensors"})
      EXPECT_EQ(file(run + name), file("whole" + std::string(name))) << name << step;
    EXPECT_EQ(Json::parse(file(run + "/environment.json"))->operator[]("sessions").size(), 1u);
  }
}

TEST_F(Train, GoesOnAfterBothWereKilled) {
  ASSERT_EQ(train("whole").status, 0);
  write("slow.json", test::recipe_text(R"("name": "copy", "seed": 1, "pause_ms": 20)"));
  for (const useconds_t wait : {120'000, 250'000, 330'000}) {
    const std::string run = "run" + std::to_string(wait);
    const pid_t child = test::start_program(
        {ASSAY_BINARY_DIR "/assay", "train", "slow.json", "--program", "program.py", "-o", run},
        folder_.path(), folder_ / "out", folder_ / "err", {"ASSAY_RUNNER=" ASSAY_FAKE_RUNNER});
    ::usleep(wait);
    ::kill(child, SIGKILL);
    EXPECT_EQ(test::wait_for(child), 137);
    const Ran ran = assay({"train", "slow.json", "--program", "program.py", "-o", run});
    ASSERT_EQ(ran.status, 0) << ran.err;
  }
  ASSERT_EQ(assay({"train", "slow.json", "--program", "program.py", "-o", "slow"}).status, 0);
  for (const char* run : {"run120000", "run250000", "run330000"})
    EXPECT_EQ(file(std::string(run) + "/trace.jsonl"), file("slow/trace.jsonl"));
}

// A process that was killed before it wrote the recipe leaves the empty folder of checkpoints.
TEST_F(Train, TakesUpAFolderThatWasOnlyBegun) {
  fs::create_directories(path("run/checkpoints"));
  EXPECT_EQ(train("run").status, 0);
  fs::create_directories(path("other/checkpoints"));
  write("other/checkpoints/mine", "x");
  EXPECT_EQ(train("other").status, 1);
}

TEST_F(Train, PassesOverACheckpointThatDoesNotHold) {
  ASSERT_EQ(train("whole").status, 0);
  ASSERT_EQ(train("run", {}, {"ASSAY_KERNELS=die-at-13"}).status, 6);
  std::string bytes = file("run/checkpoints/step-00000010.safetensors");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write("run/checkpoints/step-00000010.safetensors", bytes);
  const Ran ran = train("run");
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("passed over the checkpoint of step 10: its state root is not the trace's"));
  EXPECT_THAT(ran.out, HasSubstr("resumed   after step 5"));
  EXPECT_EQ(file("run/trace.jsonl"), file("whole/trace.jsonl"));
}

TEST_F(Train, SaysWhenItWasDone) {
  ASSERT_EQ(train("run").status, 0);
  const Ran again = train("run");
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("was done"));
}

TEST_F(Train, ADamagedFinishedRunIsNamed) {
  ASSERT_EQ(train("run").status, 0);
  struct Case {
    const char *file, *from, *to, *says;
  };
  const Case kCases[] = {
      {"trace.jsonl", "\"step\":7", "\"step\":8", "line 8, step 7"},
      {"result.json", "\"steps\":20", "\"steps\":21", "result.json"},
      {"checkpoints/step-00000010.safetensors", "\"step\":\"10\"", "\"step\":\"11\"", "step 10"},
  };
  for (const Case& one : kCases) {
    const std::string before = file("run/" + std::string(one.file));
    std::string text = before;
    text.replace(text.find(one.from), std::string(one.from).size(), one.to);
    write("run/" + std::string(one.file), text);
    const Ran ran = train("run");
    EXPECT_EQ(ran.status, 2) << one.file << ran.out;
    EXPECT_THAT(ran.err, HasSubstr(one.says)) << one.file;
    write("run/" + std::string(one.file), before);
  }
}

TEST_F(Train, RefusesAFolderOfSomethingElse) {
  ASSERT_EQ(train("run").status, 0);
  write("program.py", "class DeltaNet:\n    x = 2\n");
  const Ran other = train("run");
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.err, HasSubstr("the folder holds a run of another program"));
  fs::create_directory(path("full"));
  write("full/notes.txt", "mine");
  const Ran full = train("full");
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.err, HasSubstr("holds something that is no run"));
  EXPECT_EQ(file("full/notes.txt"), "mine");
}

TEST_F(Train, DataIsHeldAgainstTheRecipe) {
  write("text.bin", "some text");
  const Ran ran = train("run", {"--data", "text=text.bin"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(formats::read_run(path("run"))->recipe.task.files.at("text"), sha256("some text"));
  fs::copy_file(path("run/recipe.json"), path("sealed.json"));
  write("text.bin", "Some text");
  const Ran other =
      assay({"train", "sealed.json", "--program", "program.py", "-o", "b", "--data", "text=text.bin"});
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.err,
              HasSubstr("not the data of the recipe: expected SHA-256 " + sha256("some text").hex()));
  const Ran absent = assay({"train", "sealed.json", "--program", "program.py", "-o", "b"});
  EXPECT_EQ(absent.status, 1);
  EXPECT_THAT(absent.err, HasSubstr("--data text=FILE"));
}

TEST_F(Train, ARecipeOfOtherVersionsIsRefusedWithBoth) {
  std::string text = test::recipe_text();
  text.insert(1, R"("torch": "2.10.0", )");
  write("recipe.json", text);
  const Ran ran = train("run");
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("made with another torch: expected 2.10.0, found 2.11.0"));
}

TEST_F(Train, WithoutARunnerItSaysWhatToBuild) {
  const Ran ran = test::run_assay({"train", "recipe.json", "--program", "program.py", "-o", "run"},
                                  folder_.path(), {"ASSAY_RUNNER=/nowhere/assay-runner"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("no such program"));
}

TEST_F(Train, JsonSaysTheSame) {
  const Ran ran = train("run", {"--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json json = *Json::parse(ran.out);
  EXPECT_EQ(json["command"].string_or(""), "train");
  EXPECT_EQ(json["result"]["steps"].integer(), 20);
  EXPECT_EQ(json["result"]["chain"].string_or(""), formats::read_run(path("run"))->result.chain.hex());
}

TEST_F(Train, ShippedRecipesAreWhole) {
  const Ran list = assay({"recipe", "list"});
  EXPECT_EQ(list.status, 0) << list.err;
  for (const char* name : {"check", "small", "mqar-small", "parity", "paper-shape"}) {
    EXPECT_THAT(list.out, HasSubstr(name));
    const Ran show = assay({"recipe", "show", name});
    ASSERT_EQ(show.status, 0) << show.err;
    const formats::RecipeVersions versions{{}, {}, "2", "0"};
    const auto recipe = formats::Recipe::parse(show.out, &versions);
    ASSERT_TRUE(recipe) << recipe.error().what << recipe.error().where;
    EXPECT_EQ(recipe->name, name);
  }
  ASSERT_EQ(assay({"train", "check", "--program", "program.py", "-o", "checked"}).status, 0);
}

}  // namespace
}  // namespace assay
