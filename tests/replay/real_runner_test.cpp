// The whole path with the real runner: train, seal, replay, damage, hostile programs. It is there in builds
// with -DASSAY_REPLAY=ON, or where ASSAY_TEST_RUNNER names one; skipped aloud otherwise.
#include <gmock/gmock.h>

#include "tests/replay/replay_fixture.hpp"
#include "toolkit/base/confined_program.hpp"
#include "toolkit/base/text.hpp"

namespace assay {
namespace {

using test::Ran;
using testing::HasSubstr;

std::string runner() {
  if (const char* named = std::getenv("ASSAY_TEST_RUNNER")) return named;
#if defined(ASSAY_REAL_RUNNER)
  return ASSAY_REAL_RUNNER;
#else
  return "";
#endif
}

// A mixer of two matrices; `line` stands in its forward pass, as line 11 of the file.
std::string program(const std::string& line = "pass") {
  return R"(import torch
from torch import nn


class DeltaNet(nn.Module):
    def __init__(self, d_model=64, **kw):
        super().__init__()
        self.q = nn.Linear(d_model, d_model, bias=False)
        self.v = nn.Linear(d_model, d_model, bias=False)
    def forward(self, x, attention_mask=None, past_key_values=None, use_cache=False, output_attentions=False, **kw):
        )" +
         line + R"(
        return self.v(torch.sigmoid(self.q(x)) * x.cumsum(1) / 16), None, past_key_values
)";
}

class RealRunner : public test::ReplayTest {
 protected:
  void SetUp() override {
    if (runner().empty())
      GTEST_SKIP() << "no assay-runner: build with -DASSAY_REPLAY=ON, or name one with ASSAY_TEST_RUNNER";
    write("program.py", program());
    write(
        "recipe.json",
        R"({"format": "assay-recipe/1", "name": "tiny", "shell": {"kind": "lm", "layers": 1, "d_model": 32, "heads": 2,
      "vocabulary": 64, "norm_eps": 1e-5, "mlp": "swiglu"}, "mixer": {"kind": "program", "constructor": {}}, "precision": "fp32",
      "task": {"name": "copy", "seed": 1}, "batch": {"rows": 4, "length": 32, "leaf": 1}, "steps": 12, "seed": 1,
      "optimizer": {"name": "adamw", "lr": 1e-3, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1, "clip": 1.0},
      "schedule": {"kind": "constant", "warmup": 0, "final": 1.0}, "intervals": {"state_root": 2, "checkpoint": 4},
      "evaluation": {"every": 6, "rows": 4}})");
  }
  Ran real(std::vector<std::string> words) {
    return test::run_assay(std::move(words), folder_.path(), {"ASSAY_RUNNER=" + runner()});
  }
  Ran train_real(const std::string& run, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"train", "recipe.json", "--program", "program.py",
                                      "-o",    run,           "--threads", "2"};
    words.insert(words.end(), more.begin(), more.end());
    return real(words);
  }
};

TEST_F(RealRunner, TrainSealReplay) {
  const Ran train = train_real("run");
  ASSERT_EQ(train.status, 0) << train.err;
  ASSERT_EQ(real({"key", "new", "key"}).status, 0);
  const Ran seal = real({"seal", "run", "--from", "run", "--key", "key", "-o", "run.h5"});
  ASSERT_EQ(seal.status, 0) << seal.err;
  const Ran whole = real({"replay", "run.h5", "run", "--threads", "1", "--cpu-level", "portable", "-o",
                          "result.json", "--key", "key"});
  EXPECT_EQ(whole.status, 0) << whole.out << whole.err;
  EXPECT_THAT(whole.out, HasSubstr("same      12 of 12 steps"));
  const Ran segment = real({"replay", "run.h5", "run", "--segment", "3/3"});
  EXPECT_EQ(segment.status, 0) << segment.out << segment.err;
  const Ran verify = real({"verify", "run.h5", "--trust", "key.pub", "--replay", "result.json"});
  EXPECT_EQ(verify.status, 0) << verify.out;
  EXPECT_THAT(verify.out, HasSubstr("reproduced  yes"));

  // A changed program with everything else made to fit, but the trace of the old one: found at the first
  // step.
  formats::Run run = *formats::read_run(path("run"));
  const std::string other = program("x = x * 1.0001");
  formats::Trace forged{run.trace.head, {}};
  forged.head.program = sha256(other);
  for (const formats::TraceRow& row : run.trace.rows) forged.append(row);
  for (const std::uint64_t at : run.checkpoints) {
    const fs::path file = path("run/checkpoints") / formats::checkpoint_file(at);
    std::string bytes = test::slurp(file);
    const std::string before = run.trace.chain_at(at)->hex();
    bytes.replace(bytes.find(before), before.size(), forged.chain_at(at)->hex());
    test::spill(file, bytes);
  }
  run.result.program = forged.head.program;
  run.result.chain = forged.last_chain();
  write("run/program.py", other);
  write("run/trace.jsonl", forged.text());
  write("run/result.json", run.result.encode());
  ASSERT_EQ(real({"seal", "run", "--from", "run", "--key", "key", "--force", "-o", "run.h5"}).status, 0);
  const Ran differs = real({"replay", "run.h5", "run"});
  EXPECT_EQ(differs.status, 4) << differs.out << differs.err;
  EXPECT_THAT(differs.out, HasSubstr("differs   at step 1: "));  // loss or gradient norm
}

TEST_F(RealRunner, GoesOnAfterKill) {
  ASSERT_EQ(train_real("whole").status, 0);
  const pid_t child = test::start_program(
      {ASSAY_BINARY_DIR "/assay", "train", "recipe.json", "--program", "program.py", "-o", "killed"},
      folder_.path(), folder_ / "out", folder_ / "err", {"ASSAY_RUNNER=" + runner()});
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
    write("program.py", program(one.line));
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
