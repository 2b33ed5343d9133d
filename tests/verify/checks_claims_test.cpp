#include <cmath>

#include "tests/verify/checks_fixture.hpp"

namespace assay::verify {
namespace {

const std::string kBaseline =
    R"({"baselines":[{"id":"base","name":"Base","metrics":{"a":0.4,"b":0.4,"loss":3.5}}]})";

// Experiments 1 (better by 0.2 on both tasks), 2 (better by a hair), 3 (worse), 4 (no numbers).
Items campaign(const std::string& claims) {
  Items items = campaign_of(kTasks, {{"1", ",\"score\":2.5", "loss,1,3.1\na,,0.6\nb,,0.6\naverage,,0.6\n"},
                                     {"2", "", "loss,1,3.2\na,,0.41\nb,,0.4\naverage,,0.405\n"},
                                     {"3", "", "loss,1,3.6\na,,0.3\nb,,0.4\naverage,,0.35\n"},
                                     {"4", "", ""}});
  items["claims.json"] = R"({"claims":[)" + claims + "]}";
  items["baselines.json"] = kBaseline;
  return items;
}
std::vector<formats::Finding> of(const std::string& code, const std::string& claims) {
  return findings_of(code, view_of(campaign(claims)));
}

TEST(CheckClaims, Counts) {
  expect_none(of(
      "C160",
      R"({"id":"n","kind":"count","of":"experiments","value":4},{"id":"m","kind":"count","of":"above:base","value":2})"));
  expect_one(of("C160", R"({"id":"n","kind":"count","of":"experiments","value":5})"), kError, "n",
             "5 experiments, but 4 are on record");
  expect_one(of("C160", R"({"id":"n","kind":"count","of":"experiments","value":5,"external":true})"),
             kWarning, "n", "outside the campaign");
  expect_one(of("C160", R"({"id":"m","kind":"count","of":"above:base","value":3})"), kError, "m",
             "the record has 2 (of 3 with numbers, on the mean of a, b)");
  expect_none(
      of("C160",
         R"({"id":"m","kind":"count","of":"above:base","metric":"loss","value":2})"));  // lower is better
}

TEST(CheckClaims, Values) {
  expect_none(
      of("C161",
         R"({"id":"v","kind":"value","metric":"a","value":0.6})"));  // of the best, which is experiment 1
  expect_none(of("C161", R"({"id":"v","kind":"value","experiments":["1"],"metric":"score","value":2.5})"));
  expect_none(of(
      "C161", R"({"id":"v","kind":"value","experiments":["1"],"metric":"a","value":60,"unit":"percent"})"));
  expect_one(of("C161", R"({"id":"v","kind":"value","experiments":["2"],"metric":"a","value":0.6})"), kError,
             "v", "a of 2 is 0.6, but 0.41 is sealed");
}

TEST(CheckClaims, Gains) {
  expect_none(
      of("C161",
         R"({"id":"g","kind":"gain","experiments":["1"],"metric":"average","baseline":"base","gain":0.2})"));
  expect_none(
      of("C161",
         R"({"id":"g","kind":"gain","experiments":["1"],"metric":"loss","baseline":"base","gain":0.4})"));
  expect_one(
      of("C161",
         R"({"id":"g","kind":"gain","experiments":["1"],"metric":"average","baseline":"base","gain":0.25})"),
      kError, "g", "the record gives 0.2 on the 2 tasks that both have");
}

TEST(CheckClaims, GainsAgainstTheirError) {
  const auto large =
      of("C162",
         R"({"id":"g","kind":"gain","experiments":["1"],"metric":"average","baseline":"base","gain":0.2})");
  ASSERT_EQ(large.size(), 1u);
  EXPECT_EQ(large[0].severity, kNote);
  // sqrt((.24/1000 + .24/1000 + .24/400 + .24/400)) / 2, by hand.
  EXPECT_NEAR(*large[0].data["standard_error"].number(), std::sqrt(0.00168) / 2, 1e-12);
  EXPECT_NEAR(*large[0].data["z"].number(), 0.2 / (std::sqrt(0.00168) / 2), 1e-9);
  ASSERT_EQ(large[0].data["tasks"].size(), 2u);
  EXPECT_NEAR(*large[0].data["tasks"].items()[0]["standard_error"].number(), std::sqrt(0.00048), 1e-12);
  expect_one(
      of("C162",
         R"({"id":"g","kind":"gain","experiments":["2"],"metric":"average","baseline":"base","gain":0.005})"),
      kWarning, "g", "not distinguishable from chance");
}

TEST(CheckClaims, Untestable) {
  expect_none(
      of("C163",
         R"({"id":"g","kind":"gain","experiments":["1"],"metric":"average","baseline":"base","gain":0.2})"));
  const std::pair<const char*, const char*> cases[] = {
      {R"({"id":"c","kind":"text"})", "words alone"},
      {R"({"id":"c","kind":"gain","experiments":["9"],"metric":"a","baseline":"base"})",
       "experiment 9 is not on record"},
      {R"({"id":"c","kind":"gain","metric":"a","baseline":"other"})", "baseline other is not described"},
      {R"({"id":"c","kind":"gain","metric":"a"})", "it names no baseline"},
      {R"({"id":"c","kind":"value","metric":"z","value":1})", "no experiment has the metric \"z\""},
      {R"({"id":"c","kind":"value","value":1})", "it names no metric"},
      {R"({"id":"c","kind":"value","experiments":["4"],"metric":"a","value":1})", "experiment 4 has no a"},
      {R"({"id":"c","kind":"count","of":"stars","value":1})", "nothing that can be counted"}};
  for (const auto& [claim, part] : cases) expect_one(of("C163", claim), kWarning, "c", part);
}

TEST(CheckGains, CorrectedForAllThatWasTried) {
  const auto findings = of("C165", "");
  expect_one(findings, kWarning, "base",
             "2 of 3 experiments with numbers lie above Base (the authors' own baseline) on the mean of 2 "
             "tasks; 1 survive");
  EXPECT_EQ(findings[0].data["family"], Json(4));
  EXPECT_EQ(findings[0].data["surviving"].items(), std::vector<Json>{Json("1")});
  EXPECT_EQ(findings[0].data["best"]["experiment"], Json("1"));
  EXPECT_EQ(findings[0].data["tasks"].items()[0]["above"], Json(2));
}

TEST(CheckRules, WhoseTheyAre) {
  const auto own = findings_of("C170", kTasks, {{"1", "", "a,,0.1\nz,,1\n"}});
  ASSERT_EQ(own.size(), 3u);
  EXPECT_NE(own[1].text.find("described by the author alone: loss, a, b"), std::string::npos);
  EXPECT_NE(own[2].text.find("by nobody, so neither range nor grid was checked: z"), std::string::npos);
  expect_none(findings_of("C170", R"(,"system":"asi-arch")", {{"1", "", "arc_easy,,0.1\n"}}));
  for (const char* system : {"assay-run", "assay-search"})
    expect_none(
        findings_of("C170", std::string(R"(,"system":")") + system + "\"",
                    {{"1", "", "train_loss,1,2.5\ngradient_norm,1,0.3\naccuracy,1,0.5\nperplexity,1,9\n"}}));
}

TEST(CheckRules, OfOurOwnRuns) {
  expect_one(findings_of("C140", R"(,"system":"assay-run")", {{"1", "", "accuracy,1,1.5\n"}}), kError, "1",
             "accuracy");
}

TEST(CheckRules, OursWin) {
  const std::string head =
      R"(,"system":"asi-arch","lineage":"tree","metrics":[{"name":"arc_easy","kind":"score","samples":)";
  expect_none(findings_of("C171", head + "2376}]", {{"1", "", ""}}));
  expect_one(findings_of("C171", head + "100}]", {{"1", "", ""}}), kWarning, "arc_easy",
             "samples 100, known 2376");
  Items items = campaign_of(R"(,"system":"asi-arch")", {{"1", "", ""}});
  items["baselines.json"] = R"({"baselines":[{"id":"deltanet-340m","metrics":{"arc_easy":0.3}}]})";
  expect_one(findings_of("C171", view_of(items)), kWarning, "baseline deltanet-340m, arc_easy",
             "0.3, known 0.4407");
}

}  // namespace
}  // namespace assay::verify
