// `assay replay --search` of a search of assay's own: whole, from a candidate on, a sample; and what an
// altered record looks like.
#include <gmock/gmock.h>

#include "tests/own/search_fixture.hpp"

namespace assay {
namespace {

using formats::Outcome;
using formats::SearchRecord;
using test::Ran;
using testing::HasSubstr;

class Rerun : public test::SearchTest {
 protected:
  void SetUp() override {
    write("search.json", recipe());
    ASSERT_TRUE(ended_well(search("run")));
  }
  /// The search with a journal that `change` has altered, every link made anew.
  template <typename Change>
  void alter(const Change& change) {
    SearchRecord record = *formats::read_search(path("run"));
    change(record);
    fs::remove(path("run/journal"));
    auto writer = *formats::JournalWriter::create(path("run/journal"), formats::search_head());
    ASSERT_TRUE(writer.append(formats::search_start(record.recipe)));
    for (const auto& step : record.steps)
      ASSERT_TRUE(writer.append(std::visit([](const auto& one) { return one.record(); }, step)));
    ASSERT_TRUE(writer.append(formats::search_end(record)));
  }
  Outcome& outcome(SearchRecord& record, std::uint64_t candidate) const {
    for (auto& step : record.steps)
      if (auto* one = std::get_if<Outcome>(&step); one && one->candidate == candidate) return *one;
    throw std::out_of_range("no such candidate");
  }
  Ran rerun(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"replay", "run", "--search"});
    return assay(more);
  }
};

TEST_F(Rerun, IsEqualFromTheBundle) {
  ASSERT_EQ(assay({"key", "new", "key"}).status, 0);
  ASSERT_EQ(assay({"seal", "run", "--from", "search", "--key", "key", "-o", "run.h5"}).status, 0);
  const Ran ran = assay({"replay", "run.h5", "--search", "--jobs", "2"});
  ASSERT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("6 candidates of 6 trained again"));
  EXPECT_THAT(ran.out, HasSubstr("root      " + root("run") + ", as sealed"));
}

TEST_F(Rerun, WritesNoFileThatItHasNone) {
  const Ran ran = rerun({"-o", "result.json"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("-o with --search, found a search of assay's own"));
  EXPECT_FALSE(fs::exists(path("result.json")));
}

TEST_F(Rerun, OfAPartSaysWhatItBelieved) {
  const Ran from = rerun({"--from", "4"});
  ASSERT_EQ(from.status, 0) << from.out << from.err;
  EXPECT_THAT(from.out, HasSubstr("2 candidates of 6 trained again"));
  EXPECT_THAT(from.out, HasSubstr("believed  the training of 4 candidates"));
  const Ran sample = rerun({"--sample", "3", "--seed", "11", "--json"});
  ASSERT_EQ(sample.status, 0) << sample.out << sample.err;
  const Json result = (*Json::parse(sample.out))["result"];
  EXPECT_EQ(result["trained"].size(), 3u);
  EXPECT_EQ(result["believed"].natural(), 3u);
  EXPECT_EQ(result["sample"]["of"].natural(), 6u);
  EXPECT_EQ(rerun({"--from", "6"}).status, 1);
  EXPECT_THAT(rerun({"--sample", "2"}).err, HasSubstr("--sample without --seed"));
}

TEST_F(Rerun, FindsAnAlteredScoreWithoutTraining) {
  alter([&](SearchRecord& record) { outcome(record, 2).score = 7.0; });
  const Ran ran = rerun({"--sample", "1", "--seed", "1", "--until", "1"});
  EXPECT_EQ(ran.status, 4) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("differs   at candidate 2: score\n            expected 7.0"));
}

TEST_F(Rerun, FindsAnAlteredMeasurementByTraining) {
  // Candidate 4 knows the results of 0 and 1, and descends from the better one: the other is made better.
  const auto before = *formats::read_search(path("run"));
  const std::uint64_t altered = before.proposals()[4]->sampler["picked"].items()[0].natural() == 0u ? 1 : 0;
  alter([&](SearchRecord& record) {
    outcome(record, altered).measured.set("train_loss", 0.5);
    outcome(record, altered).score = 1.5;
  });
  const Ran believed = rerun({"--from", "5"});  // the choices that follow from it are others
  EXPECT_EQ(believed.status, 4) << believed.out;
  EXPECT_THAT(believed.out, HasSubstr("differs   at candidate 4"));
  const Ran ran = rerun();
  EXPECT_EQ(ran.status, 4) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("differs   at candidate " + std::to_string(altered) + ": measured"));
}

TEST_F(Rerun, FindsAnAlteredProgramAndParent) {
  alter([&](SearchRecord& record) { std::get<formats::Proposal>(record.steps[1]).program += "# more\n"; });
  EXPECT_THAT(rerun().out, HasSubstr("differs   at candidate 1: program"));
  alter([&](SearchRecord& record) {
    auto& proposal = std::get<formats::Proposal>(record.steps[1]);
    proposal.program.resize(proposal.program.size() - 7);
    proposal.parents = {0};
  });
  EXPECT_THAT(rerun().out, HasSubstr("differs   at candidate 1: parents"));
}

}  // namespace
}  // namespace assay
