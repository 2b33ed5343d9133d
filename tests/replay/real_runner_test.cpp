// The whole path with the real runner: train, seal, replay, damage, hostile programs. It is there in builds
// with -DASSAY_REPLAY=ON, or where ASSAY_TEST_RUNNER names one; skipped aloud otherwise.
#include "tests/replay/real_runner.hpp"

#include <gmock/gmock.h>

#include "toolkit/base/confined_program.hpp"
#include "toolkit/base/text.hpp"

namespace assay {
namespace {

using test::Ran;
using test::real_runner;
using test::RealRunner;
using test::small_program;
using testing::HasSubstr;

TEST_F(RealRunner, TrainSealReplay) {
  const Ran train = train_real("run");
  ASSERT_EQ(train.status, 0) << train.err;
  seal_real();
  const Ran whole = real({"replay", "run.h5", "run", "--threads", "1", "--cpu-level", "portable", "-o",
                          "result.json", "--key", "key"});
  EXPECT_EQ(whole.status, 0) << whole.out << whole.err;
  EXPECT_THAT(whole.out, HasSubstr("same      12 of 12 steps"));
  const Ran segment = real({"replay", "run.h5", "run", "--segment", "3/3", "--no-probes"});
  EXPECT_EQ(segment.status, 0) << segment.out << segment.err;
  const Ran verify = real({"verify", "run.h5", "--trust", "key.pub", "--replay", "result.json"});
  EXPECT_EQ(verify.status, 0) << verify.out;
  EXPECT_THAT(verify.out, HasSubstr("reproduced  yes"));

  // A changed program with everything else made to fit, but the trace of the old one: found at the first
  // step.
  test::forge(path("run"), [](formats::Run& run, auto&) { run.program = small_program("x = x * 1.0001"); });
  seal_real();
  const Ran differs = real({"replay", "run.h5", "run", "--no-bisect"});
  EXPECT_EQ(differs.status, 4) << differs.out << differs.err;
  EXPECT_THAT(differs.out, HasSubstr("differs   at step 1: "));  // loss or gradient norm
}

// Leaves of a step divided between processes, and added up in parts.
TEST_F(RealRunner, ProcessesAndPassesLeaveTheSameTrace) {
  ASSERT_EQ(train_real("run").status, 0);
  seal_real();
  for (const std::vector<std::string>& more : {std::vector<std::string>{"--processes", "2", "--jobs", "2"},
                                               {"--passes", "4"},
                                               {"--processes", "2", "--passes", "2"}}) {
    std::vector<std::string> words = {"replay", "run.h5", "run", "--threads", "1", "--no-probes"};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = real(words);
    EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("same      12 of 12 steps"));
  }
  const Ran too_many = real({"replay", "run.h5", "run", "--processes", "5"});
  EXPECT_EQ(too_many.status, 1);
  EXPECT_THAT(too_many.err, HasSubstr("has 4 leaves, which cannot be divided into 5")) << too_many.err;
}

TEST_F(RealRunner, GoesOnAfterKill) {
  ASSERT_EQ(train_real("whole").status, 0);
  const pid_t child = test::start_program(
      {ASSAY_BINARY_DIR "/assay", "train", "recipe.json", "--program", "program.py", "-o", "killed"},
      folder_.path(), folder_ / "out", folder_ / "err", {"ASSAY_RUNNER=" + real_runner()});
  for (int i = 0; i < 3000 && !fs::exists(path("killed/checkpoints/step-00000004.safetensors")); ++i)
    ::usleep(10'000);
  ::kill(child, SIGKILL);
  test::wait_for(child);
  const Ran again = train_real("killed");
  ASSERT_EQ(again.status, 0) << again.err;
  for (const char* name :
       {"trace.jsonl", "result.json", "evaluations.jsonl", "checkpoints/step-00000012.safetensors"})
    EXPECT_EQ(file("killed/" + std::string(name)), file("whole/" + std::string(name))) << name;
}

TEST_F(RealRunner, BadProgramsEndWithASentenceAndTheirLine) {
  if (!has_program_tier(ProgramTier::seccomp)) GTEST_SKIP() << "no seccomp and Landlock here";
  struct Case {
    const char *line, *says;
  };
  const Case kCases[] = {
      {"open('/etc/passwd').read()", "Permission denied: '/etc/passwd'"},
      {"__import__('socket').create_connection(('192.0.2.1', 80))", "Operation not permitted"},
      {"__import__('os').fork()", "Operation not permitted"},
      {"open('/tmp/assay-was-here', 'w')", "Permission denied"},
      {"bytearray(10 ** 13)", "ran out of memory"},
      {"foo(1)", "name 'foo' is not defined"},
  };
  for (const Case& one : kCases) {
    write("program.py", small_program(one.line));
    const Ran ran = train_real("bad");
    EXPECT_EQ(ran.status, 6) << one.line << ran.err;
    EXPECT_THAT(ran.err, HasSubstr(one.says)) << one.line;
    EXPECT_THAT(ran.err, HasSubstr("program, line 11")) << one.line;
    EXPECT_LE(split_lines(ran.err).size(), 3u) << ran.err;
    fs::remove_all(path("bad"));
  }
  EXPECT_FALSE(fs::exists("/tmp/assay-was-here"));
}

}  // namespace
}  // namespace assay
