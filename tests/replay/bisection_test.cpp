// From the step of a difference to its operator: a runner with one wrong call (perturb/), and altered
// programs.
#include <gmock/gmock.h>

#include "formats/replay_result.hpp"
#include "tests/replay/real_runner.hpp"

namespace assay {
namespace {

using test::Ran;
using testing::HasSubstr;
using testing::Not;

class Bisection : public test::RealRunner {
 protected:
  void SetUp() override {
    RealRunner::SetUp();
    if (IsSkipped()) return;
    const Ran train = train_real("run");
    ASSERT_EQ(train.status, 0) << train.err;
    seal_real();
  }
#if defined(ASSAY_PERTURBED_RUNNER)
  // One call of one operator is wrong where `fault` says: "KEY NAME OVERLOAD NTH", KEY = step * 4 + leaf.
  Ran replay_with(const std::string& fault, const std::vector<std::string>& more = {}) {
    fs::create_directories(path("faults"));
    write("faults/perturb.txt", fault);
    std::vector<std::string> words = {"replay", "run.h5",  "run", "--threads",
                                      "1",      "--force", "-o",  "result.json"};
    words.insert(words.end(), more.begin(), more.end());
    return test::run_assay(
        words, folder_.path(),
        {"ASSAY_RUNNER=" ASSAY_PERTURBED_RUNNER, "ASSAY_PYTHON_PACKAGES=" + path("faults").string()});
  }
  formats::ReplayCulprit culprit() const {
    const auto found = formats::parse_replay_file(file("result.json"));
    EXPECT_TRUE(found && found->result.difference && found->result.difference->culprit)
        << file("result.json");
    if (!found || !found->result.difference) return {};
    return found->result.difference->culprit.value_or(formats::ReplayCulprit());
  }
#endif
};

#if defined(ASSAY_PERTURBED_RUNNER)
TEST_F(Bisection, NamesAForwardCall) {
  const Ran ran = replay_with("30 aten::sigmoid - 1");
  EXPECT_EQ(ran.status, 4) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("differs   at step 7: loss")) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("operator  aten::sigmoid, call ")) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("of step 7 (program.py:12), element 1023 of f32[1,32,32]\n")) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("by cpu, portable, 1 thread")) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("steps 5 to 7 by the state after each")) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("the reference gives the sealed trace's numbers")) << ran.out;
  const formats::ReplayCulprit one = culprit();
  EXPECT_EQ(one.name, "aten::sigmoid");
  EXPECT_EQ(one.step, 7u);
  EXPECT_NE(one.expected, one.found);
  const Ran verify = real({"verify", "run.h5", "--trust", "key.pub", "--replay", "result.json"});
  EXPECT_THAT(verify.out, HasSubstr("R109")) << verify.out;
  const Ran only_step = replay_with("30 aten::sigmoid - 1", {"--no-bisect"});
  EXPECT_EQ(only_step.status, 4);
  EXPECT_THAT(only_step.out, Not(HasSubstr("operator"))) << only_step.out;
}

TEST_F(Bisection, NamesABackwardCallByItsForwardLine) {
  const Ran ran = replay_with("24 aten::sigmoid_backward - 1");
  EXPECT_EQ(ran.status, 4) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("differs   at step 6: ")) << ran.out;
  EXPECT_EQ(culprit().name, "aten::sigmoid_backward");
  EXPECT_EQ(culprit().where, "backward of program.py:12");
}

// The wrong call is of a step that showed nothing: its state was not in the trace.
TEST_F(Bisection, NamesTheOptimizerOfTheStepBefore) {
  const Ran ran = replay_with("23 assay::adam_step_ - 1");
  EXPECT_EQ(ran.status, 4) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("differs   at step 6: ")) << ran.out;
  EXPECT_EQ(culprit().name, "assay::adam_step_");
  EXPECT_EQ(culprit().step, 5u);
}
#endif

TEST_F(Bisection, StopsAtTheStepWhereBothSidesAgree) {
  test::forge(path("run"),
              [](formats::Run& run, auto&) { run.program = test::small_program("x = x * 1.0001"); });
  seal_real();
  const Ran ran = real({"replay", "run.h5", "run", "--threads", "1"});
  EXPECT_EQ(ran.status, 4) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("differs   at step 1: ")) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("agree with each other after every step, and not with the trace"))
      << ran.out;
  EXPECT_THAT(ran.out, Not(HasSubstr("operator  "))) << ran.out;
}

}  // namespace
}  // namespace assay
