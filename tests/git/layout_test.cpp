#include "archives/git/layout.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "toolkit/base/bytes.hpp"

namespace assay::archives::git {
namespace {

TEST(Layout, CampaignNamesComeFromTitles) {
  EXPECT_EQ(campaign_from_title("ASI-Arch: 1,773 experiments!"), "asi-arch-1-773-experiments");
  EXPECT_EQ(campaign_from_title("../../.git/hooks"), "git-hooks");
  EXPECT_EQ(campaign_from_title("\n\xff\xc3"), "campaign");
  EXPECT_EQ(campaign_from_title(std::string(500, 'A')), std::string(60, 'a'));
  for (const char* bad : {"", "A", "a--b", "-a", "a-", "a/b", "..", "a.b"})
    EXPECT_FALSE(is_campaign_name(bad)) << bad;
}

TEST(Layout, TextPathsAreHarmlessAndDistinct) {
  EXPECT_EQ(text_path("experiments/1735/program.py"), "programs/experiments/1735/program.py");
  EXPECT_EQ(text_path(".git/config"), "programs/%2Egit/config");
  EXPECT_EQ(text_path("a/.gitattributes"), "programs/a/%2Egitattributes");
  EXPECT_EQ(text_path("a/program.h5"), "programs/a/program%2Eh5");
  EXPECT_EQ(text_path("a/program.H5"), "programs/a/program%2EH5");
  EXPECT_EQ(text_path("GIT~1/x."), "programs/GIT%7E1/x%2E");
  EXPECT_EQ(text_path("a\nb/\xff%41"), "programs/a%0Ab/%FF%2541");
  std::set<std::string> seen;
  for (const char* name : {"a/b", "a%2Fb", "a.b", "a/b.", "a/.b", "a b", "a+b", "%long/x", "A/b"})
    EXPECT_TRUE(seen.insert(text_path(name)).second && is_text_path(text_path(name))) << name;
}

TEST(Layout, OnlyWhatIsEscapedIsATextPath) {
  for (const char* bad : {"", "programs", "programs/", "programs//a", "programs/../a", "programs/.git/x",
                          "programs/a.h5", "programs/%2f", "programs/%41", "programs/%2", "programs/%",
                          "programs/%long/x", "/programs/a", "other/a", "programs/a b"})
    EXPECT_FALSE(is_text_path(bad)) << bad;
}

TEST(Layout, LongNamesStandUnderTheirDigest) {
  const std::string name = "experiments/" + std::string(300, '\n') + "/program.py";
  EXPECT_TRUE(text_path(name).starts_with("programs/%long/"));
  EXPECT_EQ(text_path(name).size(), 15u + 64u);
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += "a/";
  EXPECT_LT(text_path(deep + "program.py").size(), 100u);
}

TEST(Layout, TrailersRoundTrip) {
  const Trailers trailers{std::string(64, 'a'), std::string(64, 'b'), 2, "bundles/x/generation-2.h5"};
  const auto read = Trailers::parse("Title\n\nwords\n\n" + trailers.text());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text(), trailers.text());
}

TEST(Layout, OnlyTheLastParagraphHoldsTrailers) {
  const Trailers real{std::string(64, 'a'), "", 1, "bundles/x/generation-1.h5"};
  const Trailers fake{std::string(64, 'c'), "", 9, "bundles/y/generation-9.h5"};
  const auto read = Trailers::parse("Title\n\n" + fake.text() + "\n" + real.text());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->root, real.root);
  EXPECT_FALSE(Trailers::parse("Title\n\n" + real.text() + "Assay-Generation: 3\n"));
  EXPECT_FALSE(Trailers::parse("Title\n\nAssay-Root: " + std::string(64, 'A') +
                               "\nAssay-Generation: 1\nAssay-Bundle: bundles/x/generation-1.h5\n"));
  EXPECT_FALSE(Trailers::parse("Title\n\nAssay-Root: " + std::string(64, 'a') +
                               "\nAssay-Generation: 01\nAssay-Bundle: bundles/x/generation-1.h5\n"));
  EXPECT_FALSE(Trailers::parse("Title\n\nAssay-Root: " + std::string(64, 'a') +
                               "\nAssay-Generation: 1\nAssay-Bundle: bundles/../generation-1.h5\n"));
}

TEST(Layout, OneLineHasNoControlCharacters) {
  EXPECT_EQ(one_line("a\nAssay-Root: x"), "a%0AAssay-Root: x");
  EXPECT_EQ(one_line(std::string(500, 'x')).size(), 120u);
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "\u00e4";
  EXPECT_EQ(first_invalid_utf8(one_line(wide)), std::string::npos);
}

TEST(Layout, TagNames) {
  for (const char* good : {"v1", "paper-2026.1", "a_b"}) EXPECT_TRUE(is_tag_name(good)) << good;
  for (const char* bad : {"", "-v", ".v", "v.", "a..b", "a b", "a/b", "x.lock", "a~1", "a\nb"})
    EXPECT_FALSE(is_tag_name(bad)) << bad;
}

}  // namespace
}  // namespace assay::archives::git
