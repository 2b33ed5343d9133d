#include "verify/finding_texts.hpp"

#include <set>

#include <gtest/gtest.h>

#include "toolkit/base/files.hpp"
#include "verify/checks.hpp"

namespace assay::verify {
namespace {

TEST(FindingTexts, EveryCheckHasOne) {
  std::set<std::string> codes;
  for (const FindingText& text : finding_texts())
    EXPECT_TRUE(codes.insert(text.code).second) << text.code << " is there twice";
  std::set<std::string> checked;
  for (const Check& check : checks()) {
    EXPECT_TRUE(checked.insert(check.code).second) << check.code << " is there twice";
    EXPECT_TRUE(codes.count(check.code)) << check.code << " is not explained";
  }
}

TEST(FindingTexts, ThePageIsUpToDate) {
  const auto page = read_file(fs::path(ASSAY_SOURCE_DIR) / "docs/findings.md");
  ASSERT_TRUE(page.ok()) << page.error().what;
  EXPECT_EQ(*page, findings_page());
}

}  // namespace
}  // namespace assay::verify
