#include "toolkit/base/process.hpp"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

CommandOutcome run(Command command) {
  auto outcome = run_command(command);
  EXPECT_TRUE(outcome) << outcome.error().what;
  return outcome ? *outcome : CommandOutcome{};
}

TEST(RunCommand, CapturesOutputAndStatus) {
  const auto outcome = run({.arguments = {"sh", "-c", "echo out; echo err >&2; exit 3"}});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_EQ(outcome.out, "out\n");
  EXPECT_EQ(outcome.err, "err\n");
  EXPECT_FALSE(outcome.timed_out);
}

TEST(RunCommand, PassesArgumentsUntouched) {
  const auto outcome = run({.arguments = {"printf", "%s|", "a b", "$HOME", "*", ";"}});
  EXPECT_EQ(outcome.out, "a b|$HOME|*|;|");
}

TEST(RunCommand, FeedsInputLargerThanAPipe) {
  const std::string input(1 << 20, 'x');
  EXPECT_EQ(run({.arguments = {"cat"}, .input = input}).out, input);
  EXPECT_EQ(run({.arguments = {"true"}, .input = input}).status, 0);
}

TEST(RunCommand, SetsFolderAndEnvironment) {
  const auto outcome = run({.arguments = {"sh", "-c", "pwd; echo $ASSAY_TEST"},
                            .folder = "/",
                            .environment = {{"ASSAY_TEST", "value"}}});
  EXPECT_EQ(outcome.out, "/\nvalue\n");
}

TEST(RunCommand, KeepsNoMoreThanAsked) {
  const auto outcome = run({.arguments = {"head", "-c", "1000000", "/dev/zero"}, .output_limit = 1000});
  EXPECT_EQ(outcome.out.size(), 1000u);
  EXPECT_EQ(outcome.status, 0);
}

TEST(RunCommand, StopsWhatTakesTooLong) {
  using Clock = std::chrono::steady_clock;
  for (const char* script : {"sleep 60 & sleep 60", "exec >/dev/null 2>&1; sleep 60"}) {
    const auto start = Clock::now();
    const auto outcome = run({.arguments = {"sh", "-c", script}, .timeout = 0.3});
    EXPECT_TRUE(outcome.timed_out) << script;
    EXPECT_EQ(outcome.status, 137) << script;
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(10));
  }
}

TEST(RunCommand, SaysWhatCannotStart) {
  const auto outcome = run_command({.arguments = {"no-such-program-of-any-name"}});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().fault, Fault::missing);
  EXPECT_EQ(outcome.error().where, "no-such-program-of-any-name");
  EXPECT_FALSE(run_command({}));
  EXPECT_FALSE(run_command({.arguments = {"true"}, .folder = "/no/such/folder"}));
}

TEST(RunCommand, TellsSignals) {
  EXPECT_EQ(run({.arguments = {"sh", "-c", "kill -TERM $$"}}).status, 128 + 15);
}

}  // namespace
}  // namespace assay
