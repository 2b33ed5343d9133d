// SIGKILL at random moments of init and add: nothing is lost, and the same call made again finishes, with
// nothing cleaned by hand.
#include <chrono>
#include <random>
#include <signal.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "tests/git/archive_fixture.hpp"

namespace assay::archives::git::test {
namespace {

using Clock = std::chrono::steady_clock;

Fake large(std::uint64_t generation, const std::string& supersedes) {
  Fake fake;
  fake.content = std::string(500'000, 'x') + std::to_string(generation);
  fake.generation = generation, fake.supersedes = supersedes;
  for (int i = 0; i < 60; ++i)
    fake.texts["programs/experiments/" + std::to_string(i) + "/program.py"] =
        "generation = " + std::to_string(generation) + "\n" + std::string(2000, '#') + std::to_string(i) +
        "\n";
  fake.texts["manifest.txt"] = "generation " + std::to_string(generation) + "\n";
  return fake;
}

// Runs `work` in a child that is killed after `delay`. True if the child had come to its end before.
bool run_and_kill(const std::function<bool()>& work, std::chrono::microseconds delay) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  std::this_thread::sleep_for(delay);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) {
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  return WIFEXITED(status);
}

// Longest time of a whole run, so that the moments of death cover it all.
std::chrono::microseconds time_of(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
}

TEST(Kill, AddAtAnyMoment) {
  Archive archive;
  ASSERT_TRUE(archive.start().ok());
  std::string before;
  std::uint64_t generation = 1;
  const auto whole = time_of([&] { ASSERT_TRUE(archive.put(large(1, "")).ok()); });
  before = large(1, "").root();
  std::mt19937 random(20261121);
  int killed = 0;
  for (int round = 0; round < 60; ++round) {
    const Fake next = large(++generation, before);
    const auto add = [&] { return archive.put(next, "v" + std::to_string(generation)).ok(); };
    const auto delay =
        std::chrono::microseconds(random() % static_cast<unsigned>(whole.count() + whole.count() / 4));
    if (!run_and_kill(add, delay)) ++killed;
    // What was there is still there, and what is there is whole.
    const auto between = archive.findings();
    ASSERT_EQ(codes(between), "") << round << " " << texts(between);
    const auto again = archive.put(next, "v" + std::to_string(generation));
    ASSERT_TRUE(again.ok()) << round << " " << why(again);
    EXPECT_TRUE(again->notes.empty()) << again->notes[0];
    const auto generations = log(archive.path());
    ASSERT_TRUE(generations.ok());
    ASSERT_EQ(generations->size(), generation);
    EXPECT_EQ(generations->at(0).tags, std::vector<std::string>{"v" + std::to_string(generation)});
    before = next.root();
  }
  EXPECT_GT(killed, 20);
  EXPECT_EQ(codes(archive.findings()), "");
  // Nothing of ours is left lying about.
  for (const char* leftover : {".git/index.lock", ".git/refs/heads/main.lock", ".git/assay/moving",
                               ".git/assay/object", ".git/assay/checkout"})
    EXPECT_FALSE(fs::exists(archive.path() / leftover)) << leftover;
  EXPECT_EQ(assay::test::slurp(archive.path() / "bundles/example-campaign" / bundle_leaf(generation)),
            large(generation, "").content);
  if (!have("git-lfs")) return;
  EXPECT_EQ(archive.git({"status", "--porcelain"}).out, "");
  EXPECT_EQ(archive.git({"fsck", "--strict"}).status, 0);
  EXPECT_EQ(archive.git({"lfs", "fsck"}).status, 0);
}

TEST(Kill, InitAtAnyMoment) {
  std::mt19937 random(7);
  const auto whole = time_of([] {
    const Archive archive;
    ASSERT_TRUE(archive.start().ok());
  });
  for (int round = 0; round < 20; ++round) {
    const Archive archive;
    run_and_kill([&] { return archive.start().ok(); },
                 std::chrono::microseconds(random() % static_cast<unsigned>(whole.count())));
    const auto again = archive.start();
    ASSERT_TRUE(again.ok()) << round << " " << why(again);
    EXPECT_EQ(codes(archive.findings()), "");
    EXPECT_FALSE(fs::exists(archive.path() / ".git.partial"));
  }
}

}  // namespace
}  // namespace assay::archives::git::test
