// Programs and runners that mean harm or are broken: each ends with one sentence and status 6, and leaves the
// parent and the rest of the run's folder alone.
#include <chrono>

#include <gmock/gmock.h>

#include "tests/replay/replay_fixture.hpp"
#include "toolkit/base/confined_program.hpp"
#include "toolkit/base/text.hpp"

namespace assay {
namespace {

using test::Ran;
using testing::HasSubstr;

class Hostile : public test::ReplayTest {
 protected:
  Ran trick(const std::string& what, const std::vector<std::string>& more = {},
            const std::vector<std::string>& environment = {}) {
    write("program.py", "# fake: " + what + "\n");
    fs::remove_all(path("run"));
    return train("run", more, environment);
  }
  // One error of three lines at most, nothing on standard output.
  void expect_failed(const Ran& ran, const std::string& says, const std::string& what) {
    EXPECT_EQ(ran.status, 6) << what << "\n" << ran.out << ran.err;
    EXPECT_THAT(ran.err, HasSubstr(says)) << what;
    EXPECT_EQ(ran.err.find("error: "), ran.err.rfind("error: ")) << ran.err;
    EXPECT_LE(split_lines(ran.err).size(), 3u) << ran.err;
    EXPECT_EQ(ran.out, "") << what;
    EXPECT_FALSE(fs::exists(path("run/result.json"))) << what;
  }
};

TEST_F(Hostile, WhatTheSandboxForbidsIsAnErrorOfTheProgram) {
  if (!has_program_tier(ProgramTier::seccomp)) GTEST_SKIP() << "no seccomp and Landlock here";
  for (const char* what : {"network", "unix-socket", "fork", "passwd", "outside", "rewrite-trace",
                           "parent-environment", "kill-parent", "outlive"}) {
    const Ran ran = trick(std::string(what) + " 3");
    expect_failed(ran, "the program failed: PermissionError", what);
    EXPECT_THAT(ran.err, HasSubstr("program, line 7")) << what;
  }
  EXPECT_FALSE(fs::exists(path("assay-was-here")));
}

TEST_F(Hostile, ThreadsAndNoiseAreNoHarm) {
  for (const char* what : {"thread 3", "noise 3"}) EXPECT_EQ(trick(what).status, 0) << what;
}

TEST_F(Hostile, NoSecretOfTheCallersIsInItsEnvironment) {
  expect_failed(trick("environment 1", {}, {"ASSAY_TEST_SECRET=token"}), "found no secret", "environment");
}

TEST_F(Hostile, LimitsHold) {
  expect_failed(trick("loop 3", {"--step-time", "1"}), "nothing was heard from it in 1", "loop");
  expect_failed(trick("spin 3", {"--step-time", "1"}), "nothing was heard from it in 1", "spin");
  expect_failed(trick("loop 0", {"--time", "1"}), "it ran for more than 1", "time");
  expect_failed(trick("memory 3", {"--memory", "400000000"}), "of memory", "memory");
  expect_failed(trick("shared-memory 3", {"--memory", "400000000"}), "of memory", "shared-memory");
  const Ran file = trick("big-file 3", {"--output-limit", "30000000"});
  EXPECT_EQ(file.status, 6) << file.err;
  EXPECT_FALSE(fs::exists(path("run/result.json")));
}

TEST_F(Hostile, WithoutTheWallsAForkBombIsCounted) {
  expect_failed(trick("fork 3", {"--sandbox", "rlimits"}, {"ASSAY_SANDBOX=rlimits"}), "it started", "fork");
}

TEST_F(Hostile, BelowTheTierItRefuses) {
  const Ran refused = trick("thread 3", {}, {"ASSAY_SANDBOX=rlimits"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("this system does not enforce the sandbox tier \"seccomp\""));
  const Ran accepted = trick("thread 3", {"--sandbox", "rlimits"}, {"ASSAY_SANDBOX=rlimits"});
  EXPECT_EQ(accepted.status, 0) << accepted.err;
  EXPECT_THAT(file("run/environment.json"), HasSubstr("\"sandbox\": \"rlimits\""));
}

TEST_F(Hostile, ErrorsOfProgramsAreOneSentenceAndALine) {
  const Ran ran = trick("exception 3");
  expect_failed(ran, "the program failed: NameError: name 'foo' is not defined", "exception");
  EXPECT_THAT(ran.err, HasSubstr("program, line 12: y = foo(x)"));
  expect_failed(trick("nonfinite 3"), "the loss is not a finite number", "nonfinite");
  const Ran codes = trick("escape-codes 3");
  EXPECT_EQ(codes.err.find('\x1b'), std::string::npos);
  EXPECT_EQ(codes.err.find('\x07'), std::string::npos);
}

TEST_F(Hostile, WhatIsNoEventEndsTheRun) {
  const std::pair<const char*, const char*> kCases[] = {
      {"garbage 3", "an event that is none"},
      {"long-line 3", "a line of more than"},
      {"not-an-event 3", "no such kind of event"},
      {"wrong-type 3", "\"step\" must be a number"},
      {"deep 3", "an event that is none"},
      {"truncated 3", "was cut off"},
      {"silent-exit 3", "ended before its work"},
      {"abort 3", "terminate called after throwing"},
      {"segfault 3", "ended before its work"},
      {"early-end 3", "expected an end after step 20"},
      {"no-end 3", "ended before its work"},
      {"after-end 3", "an event after the last one"},
      {"skip-step 3", "expected step 3, found step 4"},
      {"wrong-chain 3", "the link of step 3: expected"},
      {"path-escape 3", "\"file\" must be a name below checkpoints/"},
      {"link 3", "was announced, and is not there"},
      {"no-file 3", "was announced, and is not there"},
      {"other-file 3", "is not the state that was announced"}};
  for (const auto& [what, says] : kCases) {
    const Ran ran = trick(what);
    if (std::string(what) == "after-end 3" && ran.status == 0)
      continue;  // what comes after the end may go unread
    expect_failed(ran, says, what);
  }
  EXPECT_FALSE(fs::exists(path("x")));
}

TEST_F(Hostile, NothingIsLeftRunning) {
  write("program.py", "# fake: loop 3\n");
  const pid_t child = test::start_program(
      {ASSAY_BINARY_DIR "/assay", "train", "recipe.json", "--program", "program.py", "-o", "run"},
      folder_.path(), folder_ / "out", folder_ / "err", {"ASSAY_RUNNER=" ASSAY_FAKE_RUNNER});
  ::usleep(400'000);
  ::kill(child, SIGKILL);
  test::wait_for(child);
  ::usleep(200'000);
  const Ran ran = test::run_program({"pgrep", "-f", path("run").string()});
  EXPECT_NE(ran.status, 0) << "still there: " << ran.out;
}

}  // namespace
}  // namespace assay
