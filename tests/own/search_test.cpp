// `assay search` from outside: one result root however it is run, what is refused, what is sealed.
#include <gmock/gmock.h>

#include "tests/own/search_fixture.hpp"
#include "toolkit/base/folder_lock.hpp"

namespace assay {
namespace {

using test::Ran;
using testing::HasSubstr;
using Search = test::SearchTest;

TEST_F(Search, LeavesAWholeSearch) {
  write("search.json", recipe());
  const Ran ran = search("run");
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("6 candidates, 6 trained, 0 failed, 0 duplicates"));
  const auto record = formats::read_search(path("run"));
  ASSERT_TRUE(record) << record.error().what << " " << record.error().where;
  EXPECT_TRUE(record->complete);
  EXPECT_EQ(record->proposals().size(), 6u);
  EXPECT_EQ(record->outcomes().size(), 6u);
  EXPECT_EQ(formats::result_root(path("run"), *record)->hex(), root("run"));
  EXPECT_THAT(ran.out, HasSubstr("root      " + root("run")));
  // Candidates 0 to 2 know no result; candidate 3 knows that of candidate 0, which is the best of one.
  EXPECT_EQ(record->proposals()[2]->sampler["picked"].size(), 0u);
  ASSERT_EQ(record->proposals()[3]->sampler["picked"].size(), 1u);
  EXPECT_EQ(record->proposals()[3]->sampler["picked"].items()[0].natural(), 0u);
  EXPECT_EQ(record->proposals()[0]->name, "base");
}

TEST_F(Search, HasOneRootWithAnyNumberOfJobs) {
  write("search.json", recipe());
  ASSERT_TRUE(ended_well(search("one")));
  for (const char* jobs : {"2", "4"}) {
    const std::string run = std::string("jobs") + jobs;
    ASSERT_TRUE(ended_well(search(run, {"--jobs", jobs})));
    EXPECT_EQ(file(run + "/journal"), file("one/journal"));
    EXPECT_EQ(file(run + "/result.json"), file("one/result.json"));
  }
  write("search.json", recipe({{"seed", "8"}}));
  ASSERT_TRUE(ended_well(search("other")));
  EXPECT_NE(root("other"), root("one"));
}

TEST_F(Search, GoesOnAfterItWasKilled) {
  Json training = *Json::parse(test::recipe_text(R"("name": "copy", "seed": 1, "pause_ms": 5)"));
  write("search.json", recipe({{"training", training.dump()}}));
  ASSERT_TRUE(ended_well(search("whole", {"--jobs", "3"})));
  for (const std::size_t steps : {std::size_t{0}, std::size_t{4}, std::size_t{7}}) {
    const std::string run = "killed" + std::to_string(steps);
    const pid_t child = test::start_program(
        {ASSAY_BINARY_DIR "/assay", "search", "search.json", "-o", run, "--jobs", "2"}, folder_.path(),
        folder_ / "out", folder_ / "err", {"ASSAY_RUNNER=" ASSAY_FAKE_RUNNER});
    for (int i = 0; i < 6000; ++i) {
      const auto record = formats::read_search(path(run));
      if (record && record->steps.size() > steps) break;
      ::usleep(2000);
    }
    ::kill(child, SIGKILL);
    test::wait_for(child);
    const Ran again = search(run);
    ASSERT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(file(run + "/journal"), file("whole/journal"));
    EXPECT_EQ(root(run), root("whole"));
  }
  const Ran done = search("whole");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("was done"));
}

TEST_F(Search, OneProcessAtATimeWorksInAFolder) {
  write("search.json", recipe());
  const std::string says = "another process, pid " + std::to_string(::getpid()) + ", is at work";
  fs::create_directories(path("run"));
  fs::create_directories(path("one"));
  const auto search_lock = FolderLock::take(path("run")), train_lock = FolderLock::take(path("one"));
  ASSERT_TRUE(search_lock && train_lock);
  const Ran searched = search("run"), trained = train("one");
  EXPECT_EQ(searched.status, 1);
  EXPECT_THAT(searched.err, HasSubstr(says));
  EXPECT_EQ(trained.status, 1);
  EXPECT_THAT(trained.err, HasSubstr(says));
}

// A record that a killed writer left half-written is cut off and made again.
TEST_F(Search, CutsOffATornRecord) {
  write("search.json", recipe());
  ASSERT_TRUE(ended_well(search("run")));
  const std::string journal = file("run/journal");
  for (const std::size_t left : {journal.size() - 3, journal.size() / 2, std::size_t{60}, std::size_t{5}}) {
    write("run/journal", journal.substr(0, left));
    const Ran again = search("run");
    ASSERT_EQ(again.status, 0) << left << again.err;
    EXPECT_EQ(file("run/journal"), journal) << left;
  }
}

TEST_F(Search, MakesARunThatIsGoneAgain) {
  write("search.json", recipe());
  ASSERT_TRUE(ended_well(search("run")));
  const std::string trace = file("run/candidates/2/trace.jsonl"), before = root("run");
  fs::remove_all(path("run/candidates/2"));
  const Ran again = search("run");
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(file("run/candidates/2/trace.jsonl"), trace);
  EXPECT_EQ(root("run"), before);
}

TEST_F(Search, RefusesAJournalThatItsRecipeDoesNotGive) {
  write("search.json", recipe());
  ASSERT_TRUE(ended_well(search("run")));
  auto record = *formats::read_search(path("run"));
  std::get<formats::Proposal>(record.steps[1]).motivation += "More.";
  fs::remove(path("run/journal"));
  auto writer = *formats::JournalWriter::create(path("run/journal"), formats::search_head());
  ASSERT_TRUE(writer.append(formats::search_start(record.recipe)));
  for (const auto& step : record.steps)
    ASSERT_TRUE(writer.append(std::visit([](const auto& one) { return one.record(); }, step)));
  const Ran ran = search("run");
  EXPECT_EQ(ran.status, 2) << ran.out;
  EXPECT_THAT(ran.err, HasSubstr("a proposal that its recipe does not give"));
  EXPECT_THAT(ran.err, HasSubstr("record 3"));
}

TEST_F(Search, RefusesRecipesWithAReason) {
  struct Case {
    const char *field, *value, *says;
  };
  const Case kCases[] = {
      {"format", "\"assay-recipe/1\"", "expected assay-search/1"},
      {"lag", "0", "field \"lag\""},
      {"budget", "{\"candidates\": 0}", "field \"budget.candidates\""},
      {"sampler", "{\"name\": \"best\"}", "the samplers are greedy"},
      {"sampler", "{\"name\": \"greedy\", \"k\": 1}", "field \"sampler.k\""},
      {"proposer", "{\"name\": \"monkey\"}", "the proposers are grammar"},
      {"proposer", "{\"name\": \"grammar\", \"base\": {\"rule\": \"x\"}}", "the choices are delta"},
      {"proposer", "{\"name\": \"grammar\", \"mutations\": {\"x\": 1}}", "the mutations are point"},
      {"fitness", "\"2 - \"", "byte 5 of the formula"},
      {"fitness", "\"test_loss\"", "\"test_loss\" has no value"},
      {"novelty", "{\"tries\": 1, \"distance\": 1}", "field \"novelty.distance\""},
      {"extra", "1", "no such field"},
  };
  for (const Case& one : kCases) {
    write("search.json", recipe({{one.field, one.value}}));
    const Ran ran = search("run");
    EXPECT_EQ(ran.status, 1) << one.says;
    EXPECT_THAT(ran.err, HasSubstr(one.says));
    fs::remove_all(path("run"));
  }
  write("search.json", recipe());
  ASSERT_TRUE(ended_well(search("run")));
  write("search.json", recipe({{"seed", "9"}}));
  EXPECT_THAT(search("run").err, HasSubstr("a search by another recipe"));
}

// Whatever differs between two searches of one recipe lies in environment, timings and attempts.
TEST_F(Search, BundlesDifferInEnvironmentAndAttemptsAlone) {
  write("search.json", recipe());
  ASSERT_TRUE(ended_well(search("a")));
  ASSERT_TRUE(ended_well(search("b", {"--jobs", "2"})));
  ASSERT_EQ(assay({"key", "new", "key"}).status, 0);
  for (const char* run : {"a", "b"}) {
    const Ran seal = assay({"seal", run, "--from", "search", "--key", "key", "-o", std::string(run) + ".h5"});
    ASSERT_EQ(seal.status, 0) << seal.err;
  }
  const Ran diff = assay({"diff", "a.h5", "b.h5", "--json"});
  ASSERT_EQ(diff.status, 0) << diff.err;
  const Json result = (*Json::parse(diff.out))["result"], items = result["items"];
  EXPECT_EQ(result["a"]["result_root"].string_or(""), root("a"));
  EXPECT_EQ(result["b"]["result_root"].string_or(""), root("a"));
  EXPECT_EQ(items["added_count"].natural(), 0u);
  EXPECT_EQ(items["removed_count"].natural(), 0u);
  EXPECT_EQ(items["changed"].size(), 7u);
  for (const Json& one : items["changed"].items()) {
    const std::string name(one["item"].string_or(""));
    EXPECT_TRUE(name.ends_with("/environment.json") || name == "search/attempts.jsonl") << name;
  }
  EXPECT_THAT(assay({"diff", "a.h5", "b.h5"}).out,
              HasSubstr("The same search: both have the result root " + root("a")));
  const Ran verify = assay({"verify", "a.h5", "--trust", "key.pub"});
  EXPECT_EQ(verify.status, 0) << verify.out;
  EXPECT_THAT(assay({"list", "a.h5"}).out, HasSubstr("base"));
  EXPECT_EQ(assay({"replay", "a.h5", "3"}).status, 0);
  // A run that is not the one that the journal speaks of.
  write("a/candidates/2/result.json", file("a/candidates/1/result.json"));
  EXPECT_EQ(assay({"seal", "a", "--from", "search", "--key", "key", "-o", "c.h5"}).status, 2);
}

TEST_F(Search, EndsWhenItsPatienceDoes) {
  write("search.json", recipe({{"budget", R"({"candidates": 500, "patience": 3})"}, {"lag", "1"}}));
  ASSERT_TRUE(ended_well(search("run")));
  const auto record = *formats::read_search(path("run"));
  ASSERT_LT(record.outcomes().size(), 500u);
  EXPECT_EQ(record.best()->candidate + 4, record.outcomes().size());
}

}  // namespace
}  // namespace assay
