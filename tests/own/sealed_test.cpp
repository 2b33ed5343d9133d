// A sealed search of assay's own: its rules are known, its result root follows from its items, and what the
// commands say of it follows the schema.
#include <cstdlib>

#include <gmock/gmock.h>

#include "tests/own/search_fixture.hpp"

namespace assay {
namespace {

using test::Ran;
using testing::HasSubstr;
using testing::Not;

class SealedSearch : public test::SearchTest {
 protected:
  void SetUp() override {
    write("search.json", recipe());
    ASSERT_TRUE(ended_well(search("run")));
    ASSERT_EQ(assay({"key", "new", "key"}).status, 0);
    ASSERT_EQ(assay({"seal", "run", "--from", "search", "--key", "key", "-o", "run.h5"}).status, 0);
  }
  Ran verify(const std::string& bundle) { return assay({"verify", bundle, "--trust", "key.pub"}); }
};

TEST_F(SealedSearch, IsCheckedByRulesThatAreKnown) {
  const Ran ran = verify("run.h5");
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, Not(HasSubstr("C170")));
  EXPECT_THAT(ran.out, Not(HasSubstr("C172")));
  ASSERT_EQ(assay({"seal", "run/candidates/0", "--from", "run", "--key", "key", "-o", "0.h5"}).status, 0);
  EXPECT_THAT(verify("0.h5").out, Not(HasSubstr("C170")));
}

TEST_F(SealedSearch, AnAlteredItemHasAnotherResultRoot) {
  ASSERT_EQ(assay({"export", "run.h5", "-o", "folder"}).status, 0);
  write("folder/experiments/2/program.py", file("folder/experiments/2/program.py") + "# more\n");
  const Ran sealed = assay({"seal", "folder", "--from", "assay", "--key", "key", "-o", "altered.h5"});
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  const Ran ran = verify("altered.h5");
  EXPECT_EQ(ran.status, 3) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("the result root is not that of the search's items"));
}

// ---- altered and sealed by intent

class AlteredSearch : public SealedSearch {
 protected:
  void SetUp() override {
    SealedSearch::SetUp();
    ASSERT_EQ(assay({"export", "run.h5", "-o", "folder"}).status, 0);
  }
  void change(const std::string& name, const std::string& before, const std::string& after) {
    const std::string text = file(name);
    const auto at = text.find(before);
    ASSERT_NE(at, text.npos) << name << " has no " << before;
    write(name, text.substr(0, at) + after + text.substr(at + before.size()));
  }
  // The folder sealed again, and what verify says of it by C174.
  void found(const std::string& says) {
    fs::remove(path("altered.h5"));
    const Ran sealed = assay({"seal", "folder", "--from", "assay", "--key", "key", "-o", "altered.h5"});
    ASSERT_EQ(sealed.status, 0) << sealed.err;
    const Ran ran = assay({"verify", "altered.h5", "--trust", "key.pub", "--json"});
    EXPECT_EQ(ran.status, 3) << ran.out << ran.err;
    std::string texts;
    const Json document = *Json::parse(ran.out);
    for (const Json& one : document["findings"].items())
      if (one["code"].string_or("") == "C174") texts += std::string(one["text"].string_or("")) + "\n";
    EXPECT_THAT(texts, HasSubstr(says)) << ran.out;
  }
  // A journal whose chain holds, over the same steps but for a change in one record.
  void rewrite(const std::string& journal, const std::function<void(formats::JournalRecord&)>& alter) {
    const std::string bytes = file(journal);
    auto reader = *formats::JournalReader::over(bytes);
    fs::remove(path(journal));
    auto writer = *formats::JournalWriter::create(path(journal), formats::search_head());
    for (;;) {
      auto record = *reader.next();
      if (!record) break;
      alter(*record);
      ASSERT_TRUE(writer.append(*record));
    }
  }
};

TEST_F(AlteredSearch, AScoreOfOneCandidate) {
  const Json before = *Json::parse(file("folder/experiments/2/experiment.json"));
  change("folder/experiments/2/experiment.json", "\"score\": " + before["score"].dump(), "\"score\": 9.5");
  found("candidate 2: experiment.json has another \"score\" than the journal");
}

TEST_F(AlteredSearch, ALossInTheTable) {
  change("folder/experiments/2/metrics.csv", "train_loss,7,", "train_loss,7,1");
  found("candidate 2: metrics.csv has other losses or gradient norms than the trace");
}

TEST_F(AlteredSearch, TheLastEvaluation) {
  change("folder/experiments/2/metrics.csv", "accuracy,20,0.5", "accuracy,20,0.75");
  found(
      "candidate 2: the journal has other measurements than trace, result.json and the last evaluation give");
}

TEST_F(AlteredSearch, AStep) {
  change("folder/steps.jsonl", "trainer", "somebody");
  found("steps.jsonl is not what the journal's decisions give");
}

TEST_F(AlteredSearch, AScoreInTheJournal) {
  rewrite("folder/search/journal", [](formats::JournalRecord& record) {
    if (record.kind == "result" && record.fields["candidate"].natural() == 2u)
      record.fields.set("score", 0.125);
  });
  found("candidate 2: the score does not follow from what was measured");
}

TEST_F(AlteredSearch, AMeasurementInTheJournal) {
  rewrite("folder/search/journal", [](formats::JournalRecord& record) {
    if (record.kind != "result" || record.fields["candidate"].natural() != 2u) return;
    Json measured = record.fields["measured"];
    record.fields.set("measured", measured.set("parameters", 1.0));
  });
  found("candidate 2: the journal has other measurements than trace");
}

TEST_F(AlteredSearch, TheBestAndTheCountAtTheEnd) {
  const std::string journal = file("folder/search/journal");
  const auto alter = [&](const std::string& name, const Json& value) {
    write("folder/search/journal", journal);
    rewrite("folder/search/journal", [&](formats::JournalRecord& record) {
      if (record.kind == "end") record.fields.set(name, value);
    });
    found("the end does not follow from the results before it");
  };
  alter("best", *Json::parse(R"({"candidate":1,"score":9.5})"));
  alter("candidates", 7u);
}

TEST_F(AlteredSearch, ACandidateTooMany) {
  fs::copy(path("folder/experiments/2"), path("folder/experiments/6"), fs::copy_options::recursive);
  change("folder/experiments/6/experiment.json", "\"id\": \"2\"", "\"id\": \"6\"");
  found("no such candidate is in the journal");
}

TEST_F(AlteredSearch, AnUntouchedCopyHolds) {
  ASSERT_EQ(assay({"seal", "folder", "--from", "assay", "--key", "key", "-o", "same.h5"}).status, 0);
  const Ran ran = verify("same.h5");
  EXPECT_EQ(ran.status, 0) << ran.out;
}

// What is altered in the folder before it is sealed.
TEST_F(AlteredSearch, IsRefusedBySealAndReplay) {
  const auto refused = [&](const std::vector<std::string>& words, const std::string& says) {
    const Ran ran = assay(words);
    EXPECT_EQ(ran.status, 2) << ran.out;
    EXPECT_THAT(ran.err, HasSubstr(says));
  };
  const std::vector<std::string> seal = {"seal", "run", "--from", "search", "--key", "key", "-o", "again.h5"};
  const std::string evaluations = file("run/candidates/2/evaluations.jsonl");
  const auto last = evaluations.rfind("0.5");
  write("run/candidates/2/evaluations.jsonl",
        evaluations.substr(0, last) + "0.75" + evaluations.substr(last + 3));
  refused(seal, "the run is not what the journal says: it measured");
  write("run/candidates/2/evaluations.jsonl", evaluations.substr(0, evaluations.find('\n') + 1));
  refused(seal, "expected the evaluation after step 20, found none");
  write("run/candidates/2/evaluations.jsonl", evaluations);
  change("run/result.json", "\"candidates\":6", "\"candidates\":7");
  refused(seal, "not what journal and runs give");
  refused({"replay", "run", "--search"}, "not what journal and runs give");
}

TEST_F(SealedSearch, DocumentsFollowTheirSchema) {
  const char* set = std::getenv("ASSAY_PYTHON");
  const std::string python = set ? set : "python3";
  if (test::run_program({python, "-c", "import jsonschema, referencing"}).status != 0)
    GTEST_SKIP() << "no Python with jsonschema (set ASSAY_PYTHON)";
  write("again.json", assay({"search", "search.json", "-o", "run", "--json"}).out);
  write("whole.json", assay({"replay", "run.h5", "--search", "--json"}).out);
  write("sample.json", assay({"replay", "run.h5", "--search", "--sample", "2", "--seed", "3", "--json"}).out);
  write("one.json", assay({"replay", "run.h5", "3", "--json"}).out);
  write("some.json", assay({"replay", "run.h5", "3", "--sample", "1", "--seed", "3", "--json"}).out);
  write("train.json", assay({"train", "recipe.json", "--program", "program.py", "-o", "one", "--json"}).out);
  fs::remove_all(path("run/candidates/1"));
  write("error.json", assay({"seal", "run", "--from", "search", "--key", "key", "-o", "x.h5", "--json"}).out);
  const Ran ran = test::run_program({python, ASSAY_SOURCE_DIR "/tests/support/schemas.py", path("again.json"),
                                     path("whole.json"), path("sample.json"), path("one.json"),
                                     path("some.json"), path("train.json"), path("error.json")});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
}

TEST_F(SealedSearch, TheTinyRecipeThatShipsBegins) {
  const Ran ran = assay({"search", "search-tiny", "-o", "tiny", "--jobs", "2"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("12 candidates"));
  EXPECT_THAT(assay({"train", "search-tiny", "-o", "x", "--program", "program.py"}).err,
              HasSubstr("assay search search-tiny -o RUN"));
  EXPECT_THAT(assay({"search", "check", "-o", "x"}).err, HasSubstr("recipe of a training"));
}

}  // namespace
}  // namespace assay
