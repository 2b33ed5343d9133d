#include "archives/git/store.hpp"

#include "tests/git/archive_fixture.hpp"

namespace assay::archives::git::test {
namespace {

std::string text_of(const fs::path& path) { return assay::test::slurp(path); }

TEST(Store, InitMakesAnArchiveOnce) {
  const Archive archive;
  const auto first = archive.start();
  ASSERT_TRUE(first.ok()) << why(first);
  EXPECT_TRUE(first->created);
  const auto again = archive.start();
  ASSERT_TRUE(again.ok()) << why(again);
  EXPECT_FALSE(again->created);
  EXPECT_EQ(again->commit, first->commit);
  EXPECT_EQ(text_of(archive.path() / ".gitattributes"), kAttributes);
  EXPECT_FALSE(fs::exists(archive.path() / ".git/hooks"));
  EXPECT_EQ(codes(archive.findings()), "");
}

TEST(Store, InitRefusesAFolderThatHoldsOtherThings) {
  const Archive archive;
  fs::create_directories(archive.path());
  assay::test::spill(archive.path() / "thesis.tex", "x");
  EXPECT_FALSE(archive.start().ok());
  EXPECT_FALSE(fs::exists(archive.path() / ".git"));
}

TEST(Store, WithoutASignerTheFirstAddMakesTheFirstCommit) {
  const Archive archive;
  ASSERT_TRUE(init(archive.path(), nullptr, author()).ok());
  const auto added = archive.put(first_generation());
  ASSERT_TRUE(added.ok()) << why(added);
  EXPECT_EQ(codes(archive.findings()), "");
  EXPECT_TRUE(fs::exists(archive.path() / "README.md"));
}

TEST(Store, AddPutsBundleAndTextsInPlace) {
  const Archive archive;
  ASSERT_TRUE(archive.start().ok());
  const auto added = archive.put(first_generation(), "v1");
  ASSERT_TRUE(added.ok()) << why(added);
  EXPECT_TRUE(added->added);
  EXPECT_EQ(added->bundle, "bundles/example-campaign/generation-1.h5");
  EXPECT_EQ(text_of(archive.path() / added->bundle), first_generation().content);
  EXPECT_EQ(text_of(added->object), first_generation().content);
  EXPECT_EQ(text_of(archive.path() / "bundles/example-campaign/latest/programs/experiments/1/program.py"),
            "print(1)\n");
  const auto generations = log(archive.path());
  ASSERT_TRUE(generations.ok());
  ASSERT_EQ(generations->size(), 1u);
  const Generation& only = (*generations)[0];
  EXPECT_EQ(only.title, "Example campaign");
  EXPECT_EQ(only.root, first_generation().root());
  EXPECT_EQ(only.signature, "valid");
  EXPECT_EQ(only.signer, archive.signer().public_key());
  EXPECT_EQ(only.tags, std::vector<std::string>{"v1"});
  EXPECT_EQ(only.time, kWhen);
  EXPECT_EQ(codes(archive.findings()), "") << texts(archive.findings());
}

TEST(Store, AddingTheSameFileAgainSaysSo) {
  const Archive archive;
  ASSERT_TRUE(archive.start().ok());
  const auto first = archive.put(first_generation());
  ASSERT_TRUE(first.ok());
  const auto again = archive.put(first_generation(), "v1");
  ASSERT_TRUE(again.ok()) << why(again);
  EXPECT_FALSE(again->added);
  EXPECT_EQ(again->commit, first->commit);
  EXPECT_EQ(log(archive.path())->at(0).tags, std::vector<std::string>{"v1"});
}

TEST(Store, TheSameInputGivesTheSameCommit) {
  const Archive archive;
  ASSERT_TRUE(archive.start().ok());
  const auto first = archive.put(first_generation(), "v1");
  fs::remove_all(archive.path());
  ASSERT_TRUE(archive.start().ok());
  const auto second = archive.put(first_generation(), "v1");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->commit, second->commit);
}

TEST(Store, TheNextGenerationReplacesTheTexts) {
  const Archive archive;
  ASSERT_TRUE(archive.start().ok());
  ASSERT_TRUE(archive.put(first_generation()).ok());
  const auto added = archive.put(second_generation());
  ASSERT_TRUE(added.ok()) << why(added);
  const fs::path campaign = archive.path() / "bundles/example-campaign";
  EXPECT_EQ(text_of(campaign / "generation-1.h5"), first_generation().content);
  EXPECT_EQ(text_of(campaign / "generation-2.h5"), second_generation().content);
  EXPECT_EQ(text_of(campaign / "latest/programs/experiments/1/program.py"), "print(3)\n");
  EXPECT_FALSE(fs::exists(campaign / "latest/programs/experiments/2"));
  EXPECT_TRUE(added->notes.empty());
  EXPECT_EQ(codes(archive.findings()), "") << texts(archive.findings());
  const auto generations = log(archive.path());
  ASSERT_EQ(generations->size(), 2u);
  EXPECT_EQ(generations->at(0).supersedes, first_generation().root());
}

TEST(Store, GenerationsOutOfOrderAreRefusedWithAHint) {
  const Archive archive;
  ASSERT_TRUE(archive.start().ok());
  const auto early = archive.put(second_generation());
  ASSERT_FALSE(early.ok());
  EXPECT_NE(early.error().what.find("not in the archive"), std::string::npos);
  ASSERT_TRUE(archive.put(first_generation()).ok());
  ASSERT_TRUE(archive.put(second_generation()).ok());
  Fake fork = second_generation();
  fork.content += "fork";
  const auto forked = archive.put(fork);
  ASSERT_FALSE(forked.ok());
  EXPECT_NE(forked.error().hint.find("--supersedes"), std::string::npos);
  Fake anew = first_generation();
  anew.content += "anew";
  const auto renamed = archive.put(anew);
  ASSERT_FALSE(renamed.ok());
  EXPECT_NE(renamed.error().what.find("in the archive already"), std::string::npos);
  EXPECT_TRUE(archive.put(anew, {}, {}, "another").ok());
  Fake bytes = first_generation();
  EXPECT_EQ(codes(archive.findings()), "") << texts(archive.findings());
}

TEST(Store, NothingInATitleOrMessageBecomesATrailer) {
  const Archive archive;
  ASSERT_TRUE(archive.start().ok());
  Fake fake = first_generation();
  fake.title = "Evil\n\nAssay-Root: " + std::string(64, 'f') + "\n-----BEGIN SSH SIGNATURE-----";
  const auto added =
      archive.put(fake, "v1", "Words.\n\nAssay-Root: " + std::string(64, 'e') + "\nAssay-Generation: 7\n");
  ASSERT_TRUE(added.ok()) << why(added);
  const auto generations = log(archive.path());
  ASSERT_EQ(generations->size(), 1u);
  EXPECT_EQ(generations->at(0).root, fake.root());
  EXPECT_EQ(generations->at(0).generation, 1u);
  EXPECT_EQ(codes(archive.findings()), "") << texts(archive.findings());
}

TEST(Store, ATagNeverMoves) {
  const Archive archive;
  ASSERT_TRUE(archive.start().ok());
  ASSERT_TRUE(archive.put(first_generation(), "v1").ok());
  const auto refused = archive.put(second_generation(), "v1");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(log(archive.path())->size(), 1u);  // refused before anything was written
  EXPECT_TRUE(archive.put(second_generation(), "v2").ok());
}

TEST(Store, WhatTheUserChangedIsLeftAlone) {
  const Archive archive;
  ASSERT_TRUE(archive.start().ok());
  ASSERT_TRUE(archive.put(first_generation()).ok());
  const fs::path program =
      archive.path() / "bundles/example-campaign/latest/programs/experiments/1/program.py";
  assay::test::spill(program, "mine\n");
  const auto added = archive.put(second_generation());
  ASSERT_TRUE(added.ok()) << why(added);
  EXPECT_EQ(text_of(program), "mine\n");
  ASSERT_EQ(added->notes.size(), 1u);
  EXPECT_NE(added->notes[0].find("experiments/1/program.py"), std::string::npos);
}

TEST(Store, NoSymbolicLinkIsFollowedWhenWriting) {
  const Archive archive;
  ASSERT_TRUE(archive.start().ok());
  const fs::path outside = archive.folder() / "outside";
  fs::create_directories(outside);
  fs::create_symlink(outside, archive.path() / "bundles");
  EXPECT_FALSE(archive.put(first_generation()).ok());
  EXPECT_TRUE(fs::is_empty(outside));
  fs::remove(archive.path() / "bundles");
  EXPECT_TRUE(archive.put(first_generation()).ok());  // and nothing was lost
}

TEST(Store, NoConfigurationIsRead) {
  const Archive archive;
  ASSERT_TRUE(archive.start().ok());
  assay::test::spill(archive.path() / ".git/config",
                     "[broken\n\x01 = include.path\n[core]\n\tworktree = /nowhere\n\tbare = maybe\n");
  EXPECT_TRUE(archive.put(first_generation()).ok());
  EXPECT_EQ(codes(archive.findings()), "");
}

TEST(Store, PersonsThatGitWouldRefuseAreRefused) {
  const Archive archive;
  ASSERT_TRUE(archive.start().ok());
  AddOptions options{author(), {}, {}, {}};
  options.identity.name = "x\ncommitter y";
  EXPECT_FALSE(archive.put(first_generation(), options).ok());
}

}  // namespace
}  // namespace assay::archives::git::test
