// Other people's programs on archives that this one has made. They are tools of the tests alone.
#include "tests/git/archive_fixture.hpp"

namespace assay::archives::git::test {
namespace {

class StockTools : public ::testing::Test {
 protected:
  void fill() {
    ASSERT_TRUE(archive_.start().ok());
    const auto first = archive_.put(first_generation(), "v1", "A paragraph\nof words.");
    ASSERT_TRUE(first.ok()) << why(first);
    const auto second = archive_.put(second_generation(), "v2");
    ASSERT_TRUE(second.ok()) << why(second);
  }
  Archive archive_;
};

TEST_F(StockTools, GitVerifiesEveryCommitAndTag) {
  NEEDS("git");
  NEEDS("ssh-keygen");
  ASSERT_NO_FATAL_FAILURE(fill());
  for (const char* commit : {"HEAD", "HEAD~1", "HEAD~2"}) {
    const Ran ran = archive_.git({"verify-commit", "-v", commit});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_NE(ran.err.find("Good \"git\" signature for author@example.org"), std::string::npos) << ran.err;
  }
  for (const char* tag : {"v1", "v2"}) {
    const Ran ran = archive_.git({"verify-tag", tag});
    EXPECT_EQ(ran.status, 0) << ran.err;
  }
}

TEST_F(StockTools, GitRefusesADamagedCommit) {
  NEEDS("git");
  NEEDS("ssh-keygen");
  ASSERT_NO_FATAL_FAILURE(fill());
  std::string raw = archive_.git({"cat-file", "commit", "HEAD"}).out;
  raw.replace(raw.find("Assay-Generation: 2"), 19, "Assay-Generation: 3");
  assay::test::spill(archive_.path() / "forged", raw);
  std::string forged = archive_.git({"hash-object", "-t", "commit", "-w", "forged"}).out;
  forged.resize(40);
  EXPECT_NE(archive_.git({"verify-commit", forged}).status, 0);
}

TEST_F(StockTools, FsckFindsNothing) {
  NEEDS("git");
  ASSERT_NO_FATAL_FAILURE(fill());
  const Ran ran = archive_.git({"fsck", "--strict", "--full"});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_EQ(ran.out + ran.err, "");
}

TEST_F(StockTools, LfsFsckFindsNothing) {
  NEEDS("git-lfs");
  ASSERT_NO_FATAL_FAILURE(fill());
  const Ran ran = archive_.git({"lfs", "fsck"});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_NE(ran.out.find("OK"), std::string::npos) << ran.out;
  const Ran files = archive_.git({"lfs", "ls-files", "-l"});
  EXPECT_NE(files.out.find(sha256(first_generation().content).hex() +
                           " * bundles/example-campaign/generation-1.h5"),
            std::string::npos)
      << files.out;
}

TEST_F(StockTools, TheWorkingTreeIsClean) {
  NEEDS("git-lfs");
  ASSERT_NO_FATAL_FAILURE(fill());
  EXPECT_EQ(archive_.git({"status", "--porcelain"}).out, "");
  EXPECT_EQ(archive_.git({"update-index", "--really-refresh"}).status, 0);
  EXPECT_EQ(archive_.git({"status", "--porcelain"}).out, "");
}

// Without git-lfs too: the index tells git that the files are as they were checked out.
TEST_F(StockTools, TheWorkingTreeIsCleanWithoutGitLfs) {
  NEEDS("git");
  ASSERT_NO_FATAL_FAILURE(fill());
  const Ran ran = run_program({"git", "status", "--porcelain"}, archive_.path(),
                              {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"});
  EXPECT_EQ(ran.out, "");
}

TEST_F(StockTools, ACloneGivesTheSameBundles) {
  NEEDS("git-lfs");
  ASSERT_NO_FATAL_FAILURE(fill());
  const Ran clone = archive_.git({"clone", "file://" + archive_.path().string(), "clone"}, ".");
  ASSERT_EQ(clone.status, 0) << clone.err;
  const fs::path bundles = archive_.folder() / "clone/bundles/example-campaign";
  EXPECT_EQ(assay::test::slurp(bundles / "generation-1.h5"), first_generation().content);
  EXPECT_EQ(assay::test::slurp(bundles / "generation-2.h5"), second_generation().content);
  const auto repository = GitRepository::open(archive_.folder() / "clone");
  ASSERT_TRUE(repository.ok()) << why(repository);
  const auto report = check_history(*repository, nullptr, kWhen, read_every_text);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(codes(report->findings), "") << texts(report->findings);
  EXPECT_EQ(report->generations, 2u);
}

TEST_F(StockTools, LogPShowsHowAProgramChanged) {
  NEEDS("git");
  ASSERT_NO_FATAL_FAILURE(fill());
  const Ran ran = archive_.git({"log", "-p", "-1", "--", "bundles/example-campaign/latest/programs"});
  EXPECT_NE(ran.out.find("-print(1)\n+print(3)\n"), std::string::npos) << ran.out;
}

TEST_F(StockTools, GitReadsTheTrailers) {
  NEEDS("git");
  ASSERT_NO_FATAL_FAILURE(fill());
  const Ran ran = archive_.git(
      {"log", "-1",
       "--format=%(trailers:key=Assay-Root,valueonly)%(trailers:key=Assay-Generation,valueonly)"});
  EXPECT_EQ(ran.out, second_generation().root() + "\n2\n\n");
}

TEST_F(StockTools, APackedAndCollectedArchiveStillChecks) {
  NEEDS("git");
  ASSERT_NO_FATAL_FAILURE(fill());
  ASSERT_EQ(archive_.git({"gc", "--prune=now"}).status, 0);
  EXPECT_EQ(codes(archive_.findings()), "") << texts(archive_.findings());
  Fake third = second_generation();
  third.content += "three", third.generation = 3, third.supersedes = second_generation().root();
  const auto added = archive_.put(third, "v3");
  EXPECT_TRUE(added.ok()) << why(added);
  EXPECT_EQ(archive_.git({"fsck", "--strict"}).status, 0);
}

// What others may do to an archive with git is not hidden.
TEST_F(StockTools, ACommitByHandIsSeen) {
  NEEDS("git");
  ASSERT_NO_FATAL_FAILURE(fill());
  assay::test::spill(archive_.path() / "notes.txt", "notes\n");
  ASSERT_EQ(archive_.git({"add", "notes.txt"}).status, 0);
  ASSERT_EQ(archive_.git({"commit", "-q", "-m", "Notes"}).status, 0);
  EXPECT_EQ(codes(archive_.findings()), "A102 A134 A135") << texts(archive_.findings());
}

}  // namespace
}  // namespace assay::archives::git::test
