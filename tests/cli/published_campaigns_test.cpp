// All checks over the campaigns that were published: what they hold is found, and nothing is called an error
// that is none.
#include <gtest/gtest.h>

#include "tests/archives/import_support.hpp"
#include "tests/verify/view_of.hpp"
#include "verify/checks.hpp"

namespace assay::verify {
namespace {

CheckResults checked(const char* kind, const std::filesystem::path& source) {
  const auto import = archives::import_from(kind, source);
  EXPECT_TRUE(import.ok()) << import.error().what;
  Items items;
  for (const auto& item : import->items) items[item.name] = archives::content(*import, item);
  return run_checks(sealed_view_of(std::move(items)));
}

std::vector<const formats::Finding*> of(const CheckResults& results, const std::string& code) {
  std::vector<const formats::Finding*> out;
  for (const auto& finding : results.findings)
    if (finding.code == code) out.push_back(&finding);
  return out;
}

void expect_no_error(const CheckResults& results) {
  for (const auto& finding : results.findings)
    if (finding.severity == formats::Severity::error)
      ADD_FAILURE() << finding.code << " " << finding.subject << ": " << finding.text;
}

TEST(PublishedCampaigns, AsiArch) {
  const auto source = archives::shared("data/asi-arch");
  if (source.empty()) GTEST_SKIP() << "no shared/data/asi-arch (set ASSAY_SHARED)";
  const CheckResults results = checked("asi-arch", source);
  expect_no_error(results);
  for (const char* sound : {"C101", "C103", "C105", "C106", "C110", "C120", "C122", "C131", "C132", "C140",
                            "C141", "C150", "C151", "C152", "C153", "C154", "C156", "C158", "C161", "C171"})
    EXPECT_EQ(results.totals.count(sound), 0u) << sound;
  ASSERT_EQ(of(results, "C160").size(), 1u);  // 1,773 are claimed; the 106 above the baseline recount
  EXPECT_EQ(of(results, "C160")[0]->found, "1772");
  ASSERT_EQ(of(results, "C130").size(), 1u);
  EXPECT_EQ(of(results, "C130")[0]->subject, "562");
  ASSERT_EQ(of(results, "C123").size(), 1u);
  EXPECT_EQ(of(results, "C123")[0]->subject, "562");
  ASSERT_EQ(of(results, "C155").size(), 1u);
  EXPECT_EQ(of(results, "C155")[0]->data["missing"], Json(20));
  ASSERT_EQ(of(results, "C121").size(), 3u);  // no inputs, inputs of another stage, two impossible marks
  EXPECT_EQ(of(results, "C121")[2]->subject, "645, 880");
  const auto gains = of(results, "C165");
  ASSERT_EQ(gains.size(), 2u);
  EXPECT_EQ(gains[0]->data["above"], Json(106));
  EXPECT_EQ(gains[0]->data["survive"], Json(59));
  EXPECT_EQ(gains[1]->data["above"], Json(106));
  EXPECT_EQ(gains[1]->data["surviving"].items(), std::vector<Json>{Json("559")});
}

TEST(PublishedCampaigns, AsiEvolve) {
  const auto source = archives::shared("data/asi-evolve/island_seq");
  if (source.empty()) GTEST_SKIP() << "no shared/data/asi-evolve (set ASSAY_SHARED)";
  const CheckResults results = checked("asi-evolve", source);
  expect_no_error(results);
  EXPECT_EQ(results.totals.count("C120"), 0u);  // every score is its evaluation
  EXPECT_EQ(results.totals.count("C150"), 0u);  // parents that were evicted are on record as steps
}

}  // namespace
}  // namespace assay::verify
