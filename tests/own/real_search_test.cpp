// A search with the real runner.
#include <gmock/gmock.h>

#include "replay/own/grammar.hpp"
#include "tests/own/search_fixture.hpp"
#include "tests/support/real_runner.hpp"

namespace assay {
namespace {

using test::Ran;

constexpr const char* kTraining =
    R"({"format": "assay-recipe/1", "name": "tiny", "shell": {"kind": "lm", "layers": 1, "d_model": 16, "heads": 2,
    "vocabulary": 32, "norm_eps": 1e-5, "mlp": "none"}, "mixer": {"kind": "program", "constructor": {}},
    "precision": "fp32", "task": {"name": "copy", "seed": 1}, "batch": {"rows": 2, "length": 16, "leaf": 2},
    "steps": 2, "seed": 1, "optimizer": {"name": "adamw", "lr": 1e-3, "betas": [0.9, 0.95], "eps": 1e-8,
    "weight_decay": 0.1, "clip": 1.0}, "schedule": {"kind": "constant", "warmup": 0, "final": 1.0},
    "intervals": {"state_root": 0, "checkpoint": 0}, "evaluation": {"every": 2, "rows": 2}})";

class RealSearch : public test::SearchTest {
 protected:
  void SetUp() override {
    if (test::real_runner().empty()) GTEST_SKIP() << test::kNoRealRunner;
  }
  Ran real(std::vector<std::string> words) {
    return test::run_assay(std::move(words), folder_.path(), {"ASSAY_RUNNER=" + test::real_runner()});
  }
};

TEST_F(RealSearch, OneRootWithOneJobAndWithTwo) {
  write("search.json", recipe({{"training", kTraining},
                               {"lag", "2"},
                               {"fitness", "\"-test_loss\""},
                               {"budget", R"({"candidates": 3})"}}));
  const Ran one = real({"search", "search.json", "-o", "one"});
  ASSERT_EQ(one.status, 0) << one.err;
  const Ran two = real({"search", "search.json", "-o", "two", "--jobs", "2", "--cpu-level", "portable"});
  ASSERT_EQ(two.status, 0) << two.err;
  EXPECT_EQ(file("one/journal"), file("two/journal"));
  EXPECT_EQ(root("one"), root("two"));
}

// Every choice of every slot trains, in seven designs at most: in each, all slots move on by one.
TEST_F(RealSearch, EveryChoiceTrains) {
  std::size_t most = 0;
  for (const own::Slot& slot : own::slots()) most = std::max(most, slot.choices.size());
  for (std::size_t turn = 0; turn < most; ++turn) {
    own::Genes genes;
    for (const own::Slot& slot : own::slots()) genes.push_back(turn % slot.choices.size());
    write("recipe.json", kTraining);
    write("program.py", own::program_of(genes));
    const Ran ran =
        real({"train", "recipe.json", "--program", "program.py", "-o", "run" + std::to_string(turn)});
    EXPECT_EQ(ran.status, 0) << own::design_name(genes) << "\n" << ran.err;
  }
}

}  // namespace
}  // namespace assay
