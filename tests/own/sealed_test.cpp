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
    ASSERT_EQ(search("run").status, 0);
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
