#include "tests/verify/checks_fixture.hpp"
#include "toolkit/rules/fitness.hpp"

namespace assay::verify {
namespace {

TEST(CheckAverages, Recompute) {
  expect_none(findings_of("C110", kTasks, {{"1", "", "a,,0.412\nb,,0.5025\nppl,,nan\naverage,,0.457\n"}}));
  expect_one(findings_of("C110", kTasks, {{"1", "", "a,,0.412\nb,,0.5025\nppl,,nan\naverage,,0.467\n"}}),
             kError, "1",
             "average is 0.467, but its 2 columns give 0.45725 (rounding allows 0.000775) (by the author's "
             "own rule)");
}

TEST(CheckAverages, AllowWhatRoundingAllows) {
  // 0.30005 may have been 0.3000 or 0.3001 before its parts were rounded.
  for (const char* average : {"0.3000", "0.3001"})
    expect_none(findings_of("C110", kTasks,
                            {{"1", "", "a,,0.3000\nb,,0.3001\naverage,," + std::string(average) + "\n"}}));
  EXPECT_EQ(findings_of("C110", kTasks, {{"1", "", "a,,0.3000\nb,,0.3001\naverage,,0.3002\n"}}).size(), 1u);
}

TEST(CheckAverages, SayWhatWasAveraged) {
  expect_one(findings_of("C111", kTasks, {{"1", "", "a,,0.4\nb,,0.5\nppl,,nan\naverage,,0.45\n"}}), kNote,
             "average", "mean of 2 columns (a, b); nan in every experiment and left out: ppl");
  expect_none(findings_of("C111", kTasks, {{"1", "", "a,,0.4\nb,,0.5\naverage,,0.45\n"}}));
  expect_one(findings_of("C111", kTasks,
                         {{"1", "", "a,,0.4\nb,,0.5\naverage,,0.45\n"}, {"2", "", "a,,0.4\naverage,,0.4\n"}}),
             kWarning, "average", "1 experiment without some of the columns");
}

TEST(CheckGrid, RangeAndGrid) {
  expect_none(findings_of("C140", kTasks, {{"1", "", "a,,1\nb,,0\nloss,1,11\n"}}));
  expect_one(findings_of("C140", kTasks, {{"1", "", "a,,1.2\n"}}), kError, "1", "a is 1.2, outside 0 to 1");
  expect_one(findings_of("C140", kTasks, {{"1", "", "loss,7,-1\n"}}), kError, "1", "loss at step 7 is -1");
  expect_none(
      findings_of("C141", kTasks, {{"1", "", "a,,0.4120\nb,,0.5025\n"}, {"2", "", "a,,nan\nb,,0.1\n"}}));
  expect_one(findings_of("C141", kTasks, {{"1", "", "b,,0.5030\n"}}), kError, "1", "400 questions");
  expect_none(findings_of("C141", kTasks, {{"1", "", "b,,0.503\n"}}));  // 0.5025 to three digits
}

TEST(CheckGrid, SaysWhatItCanShow) {
  expect_one(findings_of("C142", kTasks, {{"1", "", "a,,0.412\nb,,0.5025\n"}}), kNote, "",
             "b 96 %; nothing for a");
}

std::string arch(double loss, double bench, const std::string& judge = "") {
  return "train_loss,1,11.0\ntrain_loss,2000," + std::to_string(loss) + "\naverage,," +
         std::to_string(bench) + "\n" + (judge.empty() ? "" : "judge_score,," + judge + "\n");
}
std::string scored(double score) { return ",\"score\":" + Json(score).dump(); }
const std::string kArch = R"(,"system":"asi-arch")";

TEST(CheckFitness, OfAsiArchRecomputesWhereAllIsSealed) {
  const double score = rules::AsiArchFitness::score(4.4, 0.23, 7);
  expect_none(findings_of("C120", kArch, {{"1", scored(score), arch(4.4, 0.23, "7")}}));
  expect_one(findings_of("C120", kArch, {{"1", scored(score + 0.1), arch(4.4, 0.23, "7")}}), kError, "1",
             "judge's mark give");
  expect_none(findings_of("C121", kArch, {{"1", scored(score), arch(4.4, 0.23, "7")}}));
}

TEST(CheckFitness, SolvesForTheJudge) {
  const double score = rules::AsiArchFitness::score(4.4, 0.23, 7);
  expect_one(findings_of("C121", kArch, {{"1", scored(score), arch(4.4, 0.23)}}), kNote, "",
             "between 7 and 7 of 1 to 10");
  const auto findings = findings_of(
      "C121", kArch, {{"1", scored(score), arch(4.4, 0.23)}, {"2", scored(score), arch(5.0, 0.2)}});
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[1].severity, kWarning);
  EXPECT_NE(findings[1].text.find("outside 1 to 10"), std::string::npos);
}

TEST(CheckFitness, DoesNotMixStages) {
  // The larger models' loss lies beyond the scale that the formula was made for; nothing is called wrong.
  const auto findings =
      findings_of("C121", kArch, {{"1", scored(2.3), arch(3.4, 0.4)}, {"2", scored(2.5), ""}});
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_NE(findings[0].text.find("1 score of 2 cannot be recomputed: loss and benchmarks are not sealed"),
            std::string::npos);
  EXPECT_NE(findings[1].text.find("another stage"), std::string::npos);
  expect_none(findings_of("C120", kArch, {{"1", scored(1), arch(3.4, 0.4, "7")}}));
}

TEST(CheckFitness, RangeAndNan) {
  expect_none(findings_of("C122", kArch, {{"1", scored(2.99), ""}, {"2", "", ""}}));
  expect_one(findings_of("C122", kArch, {{"1", scored(3.2), ""}}), kError, "1", "the score 3.2");
  expect_one(findings_of("C123", kArch, {{"1", scored(2.2), "train_loss,1,nan\naverage,,0.4\n"}}), kWarning,
             "1", "loss is nan");
  expect_none(findings_of("C123", kArch, {{"1", scored(2.2), arch(3.4, 0.4)}}));
}

TEST(CheckFitness, OfAsiEvolve) {
  const std::string head = R"(,"system":"asi-evolve")";
  expect_none(findings_of("C120", head, {{"1", scored(0.5), "eval_score,,0.5\n"}}));
  expect_one(findings_of("C120", head, {{"1", scored(0.6), "eval_score,,0.5\n"}}), kError, "1",
             "the evaluation is 0.5");
  expect_none(findings_of("C120", head,
                          {{"1", scored(0.6), "eval_score,,0.5\njudge_score,,1\n"},
                           {"2", scored(0.4), "eval_score,,0.4\njudge_score,,0.4\n"},
                           {"3", scored(0.28), "eval_score,,0.1\njudge_score,,1\n"}}));
  expect_one(findings_of("C120", head,
                         {{"1", scored(0.6), "eval_score,,0.5\njudge_score,,1\n"},
                          {"3", scored(0.9), "eval_score,,0.1\njudge_score,,1\n"}}),
             kError, "3", "give 0.28");
}

TEST(CheckCurves, FiniteAndRepeat) {
  expect_none(findings_of("C130", kTasks, {{"1", "", "loss,1,3\nloss,2,2\nppl,,nan\n"}}));
  expect_one(findings_of("C130", kTasks, {{"1", "", "loss,1,3\nloss,2,nan\nloss,3,nan\n"}}), kWarning, "1",
             "nan at step 2 (2 of 3");
  expect_none(findings_of("C132", kTasks, {{"1", "", "loss,1,3\na,,1\nloss,2,2\n"}}));
  expect_one(findings_of("C132", kTasks, {{"1", "", "loss,1,3\nloss,1,2\n"}}), kError, "1",
             "two values at step 1");
  expect_one(findings_of("C132", kTasks, {{"1", "", "loss,2,3\nloss,1,2\n"}}), kError, "1",
             "goes back at step 1");
  expect_one(findings_of("C132", kTasks, {{"1", "", "a,,0.1\na,,0.2\n"}}), kError, "1", "a has two values");
}

TEST(CheckCurves, StepsOfTheirPeers) {
  const TestExperiment full{"1", "", "loss,1,3\nloss,2,2\n"}, other{"2", "", "loss,1,3\nloss,2,2\na,,0.1\n"};
  expect_none(findings_of("C131", kTasks, {full, other}));
  expect_one(findings_of("C131", kTasks, {full, other, {"3", "", "loss,1,3\n"}}), kWarning, "3",
             "1 step, 1 to 1; most have 2 steps");
}

std::vector<TestExperiment> peers(const std::string& last) {
  std::vector<TestExperiment> out;
  for (int i = 0; i < 30; ++i)
    out.push_back(
        {std::to_string(i), "",
         "loss,1,3.0" + std::to_string(i % 10) + "\nloss,2,2.5" + std::to_string(i * 7 % 10) + "\n"});
  out.push_back({"odd", "", "loss,1,3.05\nloss,2," + last + "\n"});
  return out;
}

TEST(CheckCurves, MoveAsTheirPeers) {
  expect_none(findings_of("C133", kTasks, peers("2.61")));
  expect_none(findings_of("C133", kTasks, peers("1.00")));  // better than its peers is not a spike
  expect_one(findings_of("C133", kTasks, peers("4.20")), kNote, "odd", "gets worse by 1.15 from step 1 to 2");
}

TEST(CheckCurves, Start) {
  expect_none(findings_of("C134", kArch, {{"1", "", "train_loss,1,11.03\n"}}));
  expect_one(findings_of("C134", kArch, {{"1", "", "train_loss,1,4.1\n"}, {"2", "", "train_loss,100,4.1\n"}}),
             kNote, "1", "ln(vocabulary) = 10.8249");
}

}  // namespace
}  // namespace assay::verify
