// `assay replay` from outside: runs are trained, sealed, replayed, and altered.
#include <gmock/gmock.h>

#include "formats/replay_result.hpp"
#include "formats/state_file.hpp"
#include "tests/replay/replay_fixture.hpp"
#include "toolkit/base/text.hpp"

namespace assay {
namespace {

using test::Ran;
using testing::HasSubstr;
using testing::Not;

class Replay : public test::ReplayTest {
 protected:
  Replay() { EXPECT_EQ(assay({"key", "new", "key"}).status, 0); }

  void seal(const std::vector<std::string>& runs = {"run"}, const std::string& file = "run.h5") {
    std::vector<std::string> words = {"seal"};
    words.insert(words.end(), runs.begin(), runs.end());
    for (const char* word : {"--from", "run", "--key", "key", "--force", "-o"}) words.emplace_back(word);
    words.push_back(file);
    const Ran ran = assay(words);
    ASSERT_EQ(ran.status, 0) << ran.err;
  }
  void train_and_seal() {
    const Ran ran = train("run");
    ASSERT_EQ(ran.status, 0) << ran.err;
    seal();
  }
  Ran replay(const std::vector<std::string>& more = {}, const std::vector<std::string>& environment = {}) {
    std::vector<std::string> words = {"replay", "run.h5", "run"};
    words.insert(words.end(), more.begin(), more.end());
    return assay(words, environment);
  }

  // The run as an author could forge it: the row of `step` has another loss, and the chain is made anew from
  // there; checkpoints carry the new chain.
  void forge_loss(std::uint64_t step) {
    formats::Run run = *formats::read_run(path("run"));
    formats::Trace forged{run.trace.head, {}};
    for (formats::TraceRow row : run.trace.rows) {
      if (row.step == step) row.loss ^= 1;
      forged.append(row);
    }
    write("run/trace.jsonl", forged.text());
    for (const std::uint64_t at : run.checkpoints) {
      const fs::path file = path("run/checkpoints") / formats::checkpoint_file(at);
      std::string bytes = test::slurp(file);
      const std::string before = run.trace.chain_at(at)->hex(), after = forged.chain_at(at)->hex();
      bytes.replace(bytes.find(before), before.size(), after);
      test::spill(file, bytes);
    }
    formats::RunResult result = run.result;
    result.chain = forged.last_chain();
    write("run/result.json", result.encode());
  }
};

TEST_F(Replay, TheSameBitsAreSaidToBeTheSame) {
  train_and_seal();
  const Ran ran = replay();
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("same      20 of 20 steps"));
  EXPECT_THAT(ran.out, HasSubstr("chain     " + formats::read_run(path("run"))->result.chain.hex()));
}

TEST_F(Replay, WhatIsSealedVerifiesAndComesBack) {
  train_and_seal();
  const Ran verify = assay({"verify", "run.h5", "--trust", "key.pub"});
  EXPECT_EQ(verify.status, 0) << verify.out << verify.err;
  EXPECT_THAT(verify.out, HasSubstr("1 of 1 have a recipe and a trace"));
  const Ran out = assay({"export", "run.h5", "-o", "campaign"});
  ASSERT_EQ(out.status, 0) << out.err;
  EXPECT_EQ(file("campaign/experiments/run/step-00000010.safetensors"),
            file("run/checkpoints/step-00000010.safetensors"));
  EXPECT_EQ(file("campaign/experiments/run/trace.jsonl"), file("run/trace.jsonl"));
  ASSERT_EQ(assay({"seal", "campaign", "--from", "assay", "--key", "key", "-o", "again.h5"}).status, 0);
  EXPECT_EQ(assay({"replay", "again.h5", "run"}).status, 0);
  const Ran show = assay({"show", "run.h5", "run"});
  EXPECT_EQ(show.status, 0) << show.err;
}

TEST_F(Replay, SegmentsSamplesAndProcesses) {
  train_and_seal();
  const Ran part = replay({"--segment", "3/4"});
  EXPECT_EQ(part.status, 0) << part.err;
  EXPECT_THAT(part.out, HasSubstr("same      5 of 20 steps"));
  const Ran jobs = replay({"--jobs", "3"});
  EXPECT_EQ(jobs.status, 0) << jobs.err;
  EXPECT_THAT(jobs.out, HasSubstr("same      20 of 20 steps"));
  const Ran steps = replay({"--steps", "7"});
  EXPECT_EQ(steps.status, 0) << steps.err;
  EXPECT_THAT(steps.out, HasSubstr("same      7 of 20 steps"));
  const Ran sample = replay({"--sample", "2", "--seed", "7", "--jobs", "2"});
  EXPECT_EQ(sample.status, 0) << sample.err;
  EXPECT_THAT(sample.out, HasSubstr("same      10 of 20 steps"));
  EXPECT_THAT(sample.out, HasSubstr("0.5000"));  // 2 of 4 segments, one altered
  EXPECT_THAT(sample.out, HasSubstr("0.8333"));  // two altered
  EXPECT_EQ(replay({"--sample", "2", "--seed", "7"}).out.substr(0, 100), sample.out.substr(0, 100));
  EXPECT_EQ(replay({"--segment", "1/9"}).status, 1);
  EXPECT_EQ(replay({"--sample", "9", "--seed", "1"}).status, 1);
  EXPECT_EQ(replay({"--sample", "2"}).status, 1);
}

TEST_F(Replay, ADifferenceIsNamedAtItsStep) {
  train_and_seal();
  for (const int step : {1, 7, 10, 20}) {
    const Ran ran = replay({}, {"ASSAY_KERNELS_CPU=differ-at-" + std::to_string(step)});
    EXPECT_EQ(ran.status, 4) << ran.out << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("differs   at step " + std::to_string(step) + ": loss")) << ran.out;
    EXPECT_THAT(ran.out, HasSubstr("expected 1."));
  }
  // In parallel too, the lowest one is told.
  const Ran ran = replay({"--jobs", "4"}, {"ASSAY_KERNELS_CPU=differ-at-7"});
  EXPECT_EQ(ran.status, 4) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("at step 7: loss"));
  // The segment with the difference was not drawn.
  EXPECT_EQ(replay({"--segment", "3/4"}, {"ASSAY_KERNELS_CPU=differ-at-7"}).status, 0);
}

TEST_F(Replay, AForgedTraceIsFoundAtItsStep) {
  ASSERT_EQ(train("run").status, 0);
  forge_loss(7);
  seal();
  const Ran verify = assay({"verify", "run.h5", "--trust", "key.pub"});
  EXPECT_EQ(verify.status, 0) << verify.out;  // it is consistent in itself
  const Ran ran = replay();
  EXPECT_EQ(ran.status, 4) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("differs   at step 7: loss"));
}

// A byte changed in each part, before sealing: named there. The importer refuses; so the bundle is made from
// the exported folder.
TEST_F(Replay, AChangedPartIsNamed) {
  train_and_seal();
  ASSERT_EQ(assay({"export", "run.h5", "-o", "campaign"}).status, 0);
  struct Case {
    const char *file, *from, *to, *says;
  };
  const Case kCases[] = {
      {"program.py", "pass", "pasS", "the program is not the one of the trace"},
      {"recipe.json", "\"seed\":1", "\"seed\":2", "the recipe is not the one of the trace"},
      {"trace.jsonl", "\"step\":7", "\"step\":8", "line 8, step 7"},
      {"step-00000010.safetensors", "\"step\":\"10\"", "\"step\":\"11\"",
       "expected the state after step 10, found that after step 11"},
      {"step-00000015.safetensors", nullptr, nullptr, "its state root is not the trace's"},
  };
  for (const Case& one : kCases) {
    const std::string name = "campaign/experiments/run/" + std::string(one.file), before = file(name);
    std::string text = before;
    if (one.from)
      text.replace(text.find(one.from), std::string(one.from).size(), one.to);
    else
      text.back() = static_cast<char>(text.back() ^ 1);
    write(name, text);
    ASSERT_EQ(
        assay({"seal", "campaign", "--from", "assay", "--key", "key", "--force", "-o", "run.h5"}).status, 0);
    const Ran ran = replay();
    EXPECT_EQ(ran.status, 2) << one.file << ran.out << ran.err;
    EXPECT_THAT(ran.err, HasSubstr(one.says)) << one.file;
    const Ran verify = assay({"verify", "run.h5", "--trust", "key.pub"});
    EXPECT_EQ(verify.status, 3) << one.file << verify.out;
    EXPECT_THAT(verify.out, HasSubstr("C180")) << one.file;
    write(name, before);
  }
}

TEST_F(Replay, TheImporterRefusesARunThatDoesNotHold) {
  ASSERT_EQ(train("run").status, 0);
  const std::string program = file("run/program.py");
  write("run/program.py", program + "#");
  const Ran ran = assay({"seal", "run", "--from", "run", "--key", "key", "-o", "run.h5"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("the program is not the one of the trace"));
  write("run/program.py", program);
  fs::remove(path("run/result.json"));
  const Ran unfinished = assay({"seal", "run", "--from", "run", "--key", "key", "-o", "run.h5"});
  EXPECT_EQ(unfinished.status, 1);
  EXPECT_THAT(unfinished.err, HasSubstr("this run is not finished"));
}

TEST_F(Replay, SeveralRunsAreOneCampaign) {
  ASSERT_EQ(train("runs/a").status, 0);
  write("program.py", "class DeltaNet:\n    x = 1\n");
  ASSERT_EQ(train("runs/b").status, 0);
  ASSERT_EQ(train("c").status, 0);
  seal({"runs", "c"});
  for (const char* id : {"a", "b", "c"}) EXPECT_EQ(assay({"replay", "run.h5", id}).status, 0) << id;
  const Ran list = assay({"list", "run.h5"});
  EXPECT_EQ(list.status, 0) << list.err;
  const Ran twice = assay({"seal", "c", "c", "--from", "run", "--dry-run"});
  EXPECT_EQ(twice.status, 1);
  EXPECT_THAT(twice.err, HasSubstr("two runs have one name"));
  const Ran several = assay({"seal", "c", "c", "--from", "assay", "--dry-run"});
  EXPECT_EQ(several.status, 1);
}

TEST_F(Replay, TheResultIsADocumentThatVerifyShows) {
  train_and_seal();
  ASSERT_EQ(replay({"-o", "whole.json", "--key", "key"}).status, 0);
  const Ran verify = assay({"verify", "run.h5", "--trust", "key.pub", "--replay", "whole.json"});
  EXPECT_EQ(verify.status, 0) << verify.out << verify.err;
  EXPECT_THAT(verify.out,
              HasSubstr("1 of 1 with a recipe and a trace replayed with the same bits, 1 in every step"));
  const auto parsed = formats::parse_replay_file(file("whole.json"));
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_TRUE(parsed->result.same());
  EXPECT_EQ(parsed->result.checked(), 20u);

  ASSERT_EQ(replay({"-o", "differs.json", "--key", "key"}, {"ASSAY_KERNELS_CPU=differ-at-7"}).status, 4);
  const Ran differs =
      assay({"verify", "run.h5", "--trust", "key.pub", "--replay", "whole.json", "--replay", "differs.json"});
  EXPECT_EQ(differs.status, 3) << differs.out;
  EXPECT_THAT(differs.out, HasSubstr("R101"));
  EXPECT_THAT(differs.out, HasSubstr("1 replayed with other bits"));

  const Ran report =
      assay({"report", "run.h5", "-o", "report", "--trust", "key.pub", "--replay", "whole.json"});
  EXPECT_EQ(report.status, 0) << report.err;
  EXPECT_THAT(file("report/index.html"), HasSubstr("R102"));

  write("forged.json", [&] {
    std::string text = file("whole.json");
    return text.replace(text.size() / 2, 1, text[text.size() / 2] == 'A' ? "B" : "A");
  }());
  const Ran forged = assay({"verify", "run.h5", "--trust", "key.pub", "--replay", "forged.json"});
  EXPECT_EQ(forged.status, 3) << forged.out;
  EXPECT_THAT(forged.out, Not(HasSubstr("replayed with the same bits, 1")));

  ASSERT_EQ(train("other").status, 0);
  seal({"other"}, "other.h5");
  const Ran other = assay({"verify", "other.h5", "--trust", "key.pub", "--replay", "whole.json"});
  EXPECT_THAT(other.out, HasSubstr("R108"));
}

TEST_F(Replay, TheDocumentFollowsItsSchema) {
  const char* set = std::getenv("ASSAY_PYTHON");
  const std::string python = set ? set : "python3";
  if (test::run_program({python, "-c", "import jsonschema"}).status != 0)
    GTEST_SKIP() << "no Python with jsonschema (set ASSAY_PYTHON)";
  train_and_seal();
  ASSERT_EQ(replay({"-o", "same.json"}).status, 0);
  ASSERT_EQ(replay({"-o", "sample.json", "--sample", "1", "--seed", "3"}).status, 0);
  ASSERT_EQ(replay({"-o", "differs.json"}, {"ASSAY_KERNELS_CPU=differ-at-7"}).status, 4);
  const Ran ran =
      test::run_program({python, "-c",
                         "import json, sys, jsonschema\n"
                         "schema = json.load(open(sys.argv[1]))\n"
                         "for name in sys.argv[2:]: jsonschema.validate(json.load(open(name)), schema)\n",
                         ASSAY_SOURCE_DIR "/docs/formats/replay.schema.json", folder_ / "same.json",
                         folder_ / "sample.json", folder_ / "differs.json"});
  EXPECT_EQ(ran.status, 0) << ran.err;
}

TEST_F(Replay, AKilledReplayGoesOn) {
  ASSERT_EQ(train("run").status, 0);
  seal();
  ASSERT_EQ(replay({"--work", "work"}, {"ASSAY_KERNELS=die-at-13"}).status, 6);
  const Ran ran = replay({"--work", "work"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("same      20 of 20 steps"));
  EXPECT_THAT(ran.out, HasSubstr("noted     10 steps of them by an earlier call"));
}

// Killed from outside, nothing said of a folder: the same command finds what was done, and leaves nothing
// behind.
TEST_F(Replay, AKilledReplayIsFoundAgain) {
  write("recipe.json", test::recipe_text(R"("name": "copy", "seed": 1, "pause_ms": 30)"));
  train_and_seal();
  fs::create_directory(path("tmp"));
  const std::vector<std::string> environment = {"ASSAY_RUNNER=" ASSAY_FAKE_RUNNER,
                                                "TMPDIR=" + path("tmp").string()};
  const pid_t child = test::start_program({ASSAY_BINARY_DIR "/assay", "replay", "run.h5", "run"},
                                          folder_.path(), folder_ / "out", folder_ / "err", environment);
  ::usleep(500'000);
  ::kill(child, SIGKILL);
  EXPECT_EQ(test::wait_for(child), 137);
  EXPECT_FALSE(fs::is_empty(path("tmp")));
  const Ran ran = replay({}, environment);
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("of them by an earlier call"));
  EXPECT_TRUE(fs::is_empty(path("tmp")));
}

TEST_F(Replay, WithoutARecipeItIsANewRun) {
  train_and_seal();
  ASSERT_EQ(assay({"export", "run.h5", "-o", "campaign"}).status, 0);
  for (const char* name : {"recipe.json", "trace.jsonl", "result.json"})
    fs::remove(path("campaign/experiments/run") / name);
  Json record = *Json::parse(file("campaign/experiments/run/experiment.json"));
  record.set("files", Json::object({{"program", "experiments/run/program.py"}}));
  write("campaign/experiments/run/experiment.json", record.dump_pretty());
  const Ran sealed =
      assay({"seal", "campaign", "--from", "assay", "--key", "key", "--force", "-o", "run.h5"});
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  const Ran none = replay();
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.err, HasSubstr("has no recipe"));
  const Ran anew = replay({"--recipe", "recipe.json", "--work", "work", "-o", "new.json", "--key", "key"});
  ASSERT_EQ(anew.status, 0) << anew.err;
  EXPECT_THAT(anew.out, HasSubstr("new run"));
  EXPECT_THAT(anew.out, Not(HasSubstr("same")));
  EXPECT_TRUE(formats::read_run(path("work/run")));
  const Ran verify = assay({"verify", "run.h5", "--trust", "key.pub", "--replay", "new.json"});
  EXPECT_EQ(verify.status, 0) << verify.out;
  EXPECT_THAT(verify.out, HasSubstr("0 of 1 have a recipe"));
  EXPECT_THAT(verify.out, HasSubstr("which reproduces nothing"));
}

TEST_F(Replay, ANewRunBesideABaseline) {
  train_and_seal();
  const Ran ran = replay({"--recipe", "recipe.json", "--beside", "deltanet", "--seeds", "2", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json result = (*Json::parse(ran.out))["result"];
  EXPECT_EQ(result["kind"].string_or(""), "new run");
  ASSERT_EQ(result["beside"].size(), 4u);
  EXPECT_EQ(result["beside"].items()[2]["seed"].integer(), 2);
  EXPECT_EQ(result["beside"].items()[3]["of"].string_or(""), "deltanet");
  EXPECT_NE(result["beside"].items()[0]["chain"], result["beside"].items()[2]["chain"]);
  const Ran text = replay({"--recipe", "recipe.json", "--beside", "deltanet"});
  EXPECT_THAT(text.out, HasSubstr("the program"));
  EXPECT_THAT(text.out, HasSubstr("deltanet"));
  EXPECT_EQ(replay({"--recipe", "recipe.json", "--seeds", "2"}).status, 1);
}

TEST_F(Replay, ReplaysUnderRlimitsOnlyWhenAsked) {
  train_and_seal();
  EXPECT_EQ(replay({}, {"ASSAY_SANDBOX=rlimits"}).status, 1);
  EXPECT_EQ(replay({"--sandbox", "rlimits"}, {"ASSAY_SANDBOX=rlimits"}).status, 0);
}

TEST_F(Replay, DamageInTheBundleIsFoundBeforeAnythingRuns) {
  train_and_seal();
  const std::string before = file("run.h5");
  unsigned named = 0;
  for (std::size_t i = 5000; i < before.size(); i += before.size() / 15) {
    std::string damaged = before;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    write("run.h5", damaged);
    const Ran verify = assay({"verify", "run.h5", "--trust", "key.pub"});
    EXPECT_EQ(verify.status, 2) << i;
    const Ran ran = replay();
    EXPECT_TRUE(ran.status == 2 || ran.status == 0)
        << i << ran.out << ran.err;  // 0: where replay does not read
    named += ran.status == 2;
  }
  EXPECT_GT(named, 0u);
}

}  // namespace
}  // namespace assay
