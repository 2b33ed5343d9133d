// The program under test with the real runner.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/replay/replay_fixture.hpp"
#include "tests/support/real_runner.hpp"

namespace assay::test {

// A mixer of two matrices; `line` stands in its forward pass, as line 11 of the file.
inline std::string small_program(const std::string& line = "pass") {
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

/// The finished run in `folder` after `change`, with all that follows from it made to fit, as an author could
/// forge it.
inline void forge(const fs::path& folder,
                  const std::function<void(formats::Run&, std::vector<formats::TraceRow>&)>& change,
                  const std::function<void(std::uint64_t, std::string&)>& checkpoint = {}) {
  formats::Run run = *formats::read_run(folder);
  const formats::Trace before = run.trace;
  std::vector<formats::TraceRow> rows = before.rows;
  change(run, rows);
  formats::Trace forged{run.trace.head, {}};
  forged.head.recipe = run.recipe.digest();
  if (run.program) forged.head.program = sha256(*run.program);
  for (const formats::TraceRow& row : rows) forged.append(row);
  for (const std::uint64_t at : run.checkpoints) {
    const fs::path file = folder / "checkpoints" / formats::checkpoint_file(at);
    std::string bytes = slurp(file);
    const std::string chain = before.chain_at(at)->hex();
    bytes.replace(bytes.find(chain), chain.size(), forged.chain_at(at)->hex());
    if (checkpoint) checkpoint(at, bytes);
    spill(file, bytes);
  }
  run.result.recipe = forged.head.recipe;
  run.result.program = forged.head.program;
  run.result.chain = forged.last_chain();
  spill(folder / "recipe.json", run.recipe.canonical());
  if (run.program) spill(folder / "program.py", *run.program);
  spill(folder / "trace.jsonl", forged.text());
  spill(folder / "result.json", run.result.encode());
}

class RealRunner : public ReplayTest {
 protected:
  void SetUp() override {
    if (real_runner().empty()) GTEST_SKIP() << kNoRealRunner;
    write("program.py", small_program());
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
    return run_assay(std::move(words), folder_.path(), {"ASSAY_RUNNER=" + real_runner()});
  }
  void seal_real(const std::string& run = "run") {
    if (!fs::exists(path("key"))) {
      ASSERT_EQ(real({"key", "new", "key"}).status, 0);
    }
    const Ran seal = real({"seal", run, "--from", "run", "--key", "key", "--force", "-o", "run.h5"});
    ASSERT_EQ(seal.status, 0) << seal.err;
  }
  Ran train_real(const std::string& run, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"train", "recipe.json", "--program", "program.py",
                                      "-o",    run,           "--threads", "2"};
    words.insert(words.end(), more.begin(), more.end());
    return real(words);
  }
};

}  // namespace assay::test
