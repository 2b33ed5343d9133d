#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archives/import_parts.hpp"
#include "tests/archives/import_support.hpp"

namespace assay::archives {
namespace {

using testing::HasSubstr;

const fs::path kSmall = fs::path(ASSAY_SOURCE_DIR) / "archives/samples/small";

Json parsed(const char* text) { return *Json::parse(text); }

TEST(Orcid, ChecksumIsMod11_2) {
  EXPECT_TRUE(is_orcid("0000-0002-1825-0097"));  // ORCID's own example
  EXPECT_TRUE(is_orcid("0000-0002-1694-233X"));  // one that ends in X
  EXPECT_FALSE(is_orcid("0000-0002-1825-0098"));
  EXPECT_FALSE(is_orcid("0000-0002-1825-009"));
  EXPECT_FALSE(is_orcid("0000-0002-1694-233x"));
  EXPECT_FALSE(is_orcid("0000000218250097"));
  EXPECT_FALSE(is_orcid("000a-0002-1825-0097"));
}

// Every single wrong digit and every swap of neighbours that differ is found: what the checksum is for.
TEST(Orcid, FindsSingleErrorsAndSwaps) {
  const std::string good = "0000-0002-1825-0097";
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (good[i] == '-') continue;
    for (char c = '0'; c <= '9'; ++c) {
      std::string bad = good;
      bad[i] = c;
      EXPECT_EQ(is_orcid(bad), bad == good) << bad;
    }
    std::string swapped = good;
    if (i + 1 < good.size() && good[i + 1] != '-') std::swap(swapped[i], swapped[i + 1]);
    EXPECT_EQ(is_orcid(swapped), swapped == good) << swapped;
  }
}

TEST(ImportMeta, MergesOverCampaignJson) {
  ImportOptions options;
  options.meta =
      parsed(R"({"title": "New", "authors": [{"name": "A. Author", "orcid": "0000-0002-1825-0097"}],
                            "licence": "MIT", "doi": "10.5281/zenodo.1"})");
  const auto import = import_from("assay", kSmall, options);
  ASSERT_TRUE(import.ok()) << import.error().what;
  const Json head = json_of(*import, "campaign.json");
  EXPECT_EQ(head["title"], Json("New"));
  EXPECT_EQ(head["doi"], Json("10.5281/zenodo.1"));
  EXPECT_EQ(head["system"], Json("toy-mixers"));
  EXPECT_EQ(head["authors"].items()[0]["orcid"], Json("0000-0002-1825-0097"));
}

TEST(ImportMeta, SaysWhatIsWrong) {
  const struct {
    const char *meta, *what, *where;
  } kCases[] = {
      {R"({"title": 7})", "string", "title"},
      {R"({"title": ""})", "a title", "title"},
      {R"({"authors": {"name": "x"}})", "array", "authors"},
      {R"({"authors": ["x"]})", "object", "authors[0]"},
      {R"({"authors": [{"orcid": "0000-0002-1825-0097"}]})", "required", "authors[0].name"},
      {R"({"authors": [{"name": "x", "orcid": "0000-0002-1825-0096"}]})", "checksum", "authors[0].orcid"},
      {R"({"authors": [{"name": "x", "email": "y"}]})", "no such field", "authors[0].email"},
      {R"({"doi": "https://doi.org/10.5281/zenodo.1"})", "DOI", "doi"},
      {R"({"licence": ""})", "SPDX", "licence"},
      {R"({"license": "MIT"})", "no such field", "license"},
      {R"([])", "object", "--meta"},
  };
  for (const auto& one : kCases) {
    const Status status = check_meta(parsed(one.meta));
    ASSERT_FALSE(status.ok()) << one.meta;
    EXPECT_THAT(status.error().what, HasSubstr(one.what)) << one.meta;
    EXPECT_THAT(status.error().where, HasSubstr("--meta")) << one.meta;
    EXPECT_THAT(status.error().where, HasSubstr(one.where)) << one.meta;
  }
}

TEST(ImportClaims, ReplaceTheTableAndAreMarkedExternal) {
  ImportOptions options;
  options.claims = parsed(R"({"claims": [{"id": "c", "kind": "count", "of": "experiments", "value": 12,
                                          "source": {"document": "a talk"}}]})");
  const auto import = import_from("assay", kSmall, options);
  ASSERT_TRUE(import.ok()) << import.error().what;
  const Json claims = json_of(*import, "claims.json");
  ASSERT_EQ(claims["claims"].size(), 1u);
  EXPECT_EQ(claims["claims"].items()[0]["external"], Json(true));
  EXPECT_EQ(json_of(*import, "baselines.json")["baselines"].size(), 1u);  // not given, so it stays
}

TEST(ImportClaims, SayWhatIsWrong) {
  const struct {
    const char *claims, *what, *where;
  } kCases[] = {
      {R"({"claims": [{"id": "c", "kind": "text"}]})", "no source", "claims[0].source"},
      {R"({"claims": [{"id": "c", "kind": "wish", "source": {"document": "x"}}]})", "gain", "claims[0].kind"},
      {R"({"baselines": [{"name": "b", "source": {"document": "x"}}]})", "required", "baselines[0].id"},
      {R"({"claim": []})", "no such field", "claim"},
  };
  for (const auto& one : kCases) {
    const Status status = check_claims(parsed(one.claims));
    ASSERT_FALSE(status.ok()) << one.claims;
    EXPECT_THAT(status.error().what, HasSubstr(one.what)) << one.claims;
    EXPECT_THAT(status.error().where, HasSubstr(one.where)) << one.claims;
  }
  ImportOptions options;
  options.claims = parsed(
      R"({"claims": [{"id": "c", "kind": "gain", "baseline": "nobody", "source": {"document": "x"}}]})");
  const auto import = import_from("assay", kSmall, options);
  ASSERT_FALSE(import.ok());
  EXPECT_THAT(import.error().what, HasSubstr("nobody"));
}

}  // namespace
}  // namespace assay::archives
