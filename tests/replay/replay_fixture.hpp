// The program under test with the fake runner, in a folder of its own.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "formats/run.hpp"
#include "tests/support/run_program.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"

namespace assay::test {

inline std::string recipe_text(const std::string& task = R"("name": "copy", "seed": 1)", int steps = 20) {
  return R"({"format": "assay-recipe/1", "name": "tiny", "shell": {"kind": "lm", "layers": 1, "d_model": 8, "heads": 2,
    "vocabulary": 16, "norm_eps": 1e-5, "mlp": "none"}, "mixer": {"kind": "program", "constructor": {}},
    "precision": "fp32", "task": {)" +
         task + R"(}, "batch": {"rows": 2, "length": 8, "leaf": 1}, "steps": )" + std::to_string(steps) +
         R"(, "seed": 1, "optimizer": {"name": "adamw", "lr": 1e-3, "betas": [0.9, 0.95], "eps": 1e-8,
    "weight_decay": 0.1, "clip": 1.0}, "schedule": {"kind": "constant", "warmup": 0, "final": 1.0},
    "intervals": {"state_root": 2, "checkpoint": 5}, "evaluation": {"every": 10, "rows": 4}})";
}

class ReplayTest : public testing::Test {
 protected:
  ReplayTest() {
    spill(folder_ / "recipe.json", recipe_text());
    spill(folder_ / "program.py", "class DeltaNet:\n    pass\n");
  }

  Ran assay(std::vector<std::string> words, std::vector<std::string> environment = {}) {
    environment.push_back("ASSAY_RUNNER=" ASSAY_FAKE_RUNNER);
    return run_assay(std::move(words), folder_.path(), environment);
  }
  Ran train(const std::string& run, const std::vector<std::string>& more = {},
            const std::vector<std::string>& environment = {}) {
    std::vector<std::string> words = {"train", "recipe.json", "--program", "program.py", "-o", run};
    words.insert(words.end(), more.begin(), more.end());
    return assay(words, environment);
  }
  std::string file(const std::string& name) const { return slurp(folder_ / name); }
  fs::path path(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, const std::string& text) const { spill(folder_ / name, text); }

  TemporaryFolder folder_;
};

}  // namespace assay::test
