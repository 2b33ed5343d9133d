#include "archives/git/object_text.hpp"

#include <gtest/gtest.h>

#include "archives/git/lfs.hpp"

namespace assay::archives::git {
namespace {

const std::string kOid(40, 'a');

CommitText example_commit() {
  CommitText commit;
  commit.tree = kOid;
  commit.parents = {std::string(40, 'b')};
  commit.author = commit.committer = {"A. Author", "a@example.org", 1'800'000'000, "+0000"};
  commit.message = "Title\n\nAssay-Root: x\n";
  commit.signature = "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----";
  return commit;
}

TEST(ObjectText, CommitRoundTrip) {
  const CommitText commit = example_commit();
  const auto read = CommitText::parse(commit.encode());
  ASSERT_TRUE(read.ok()) << read.error().what;
  EXPECT_EQ(read->encode(), commit.encode());
  EXPECT_EQ(read->signature, commit.signature);
  EXPECT_EQ(read->payload().find("gpgsig"), std::string::npos);
}

// Any byte that is taken out gives another commit or none, never the same one.
TEST(ObjectText, NoByteOfACommitIsFree) {
  const std::string raw = example_commit().encode();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    std::string cut = raw;
    cut.erase(i, 1);
    const auto read = CommitText::parse(cut);
    if (read) {
      EXPECT_EQ(read->encode(), cut) << i;
    }
  }
}

TEST(ObjectText, CommitsOfOtherFormsAreRefused) {
  const std::string raw = example_commit().encode();
  const auto with = [&](const std::string& at, const std::string& add) {
    std::string text = raw;
    return CommitText::parse(text.insert(text.find(at), add)).ok();
  };
  EXPECT_FALSE(with("author", "encoding UTF-8\n"));
  EXPECT_FALSE(with("gpgsig", "mergetag object\n"));
  EXPECT_FALSE(with("gpgsig", "gpgsig-sha256 x\n"));
  EXPECT_FALSE(with("parent", "tree " + kOid + "\n"));
  for (const char* text : {"", "tree", "tree \n", "tree x\nauthor", "\n\n"})
    EXPECT_FALSE(CommitText::parse(text).ok());
}

TEST(ObjectText, TagRoundTrip) {
  TagText tag;
  tag.object = kOid, tag.name = "v1", tag.tagger = example_commit().author, tag.message = "v1: Title\n";
  tag.signature = example_commit().signature;
  const auto read = TagText::parse(tag.encode());
  ASSERT_TRUE(read.ok()) << read.error().what;
  EXPECT_EQ(read->payload(), tag.payload());
  EXPECT_EQ(read->signature, tag.signature);
}

TEST(ObjectText, TreesAreSortedAsGitSortsThem) {
  const auto read =
      parse_tree(encode_tree({{"40000", "a", kOid}, {"100644", "a.b", kOid}, {"100644", "Z", kOid}}));
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->size(), 3u);
  EXPECT_EQ((*read)[0].name, "Z");
  EXPECT_EQ((*read)[1].name, "a.b");  // "a.b" before "a/"
}

TEST(ObjectText, BadTreesAreRefused) {
  const std::string good = encode_tree({{"100644", "a", kOid}, {"100644", "b", kOid}});
  EXPECT_FALSE(parse_tree(good.substr(0, good.size() - 1)).ok());
  EXPECT_FALSE(parse_tree(good.substr(good.size() / 2) + good.substr(0, good.size() / 2)).ok());
  EXPECT_FALSE(parse_tree(good.substr(good.size() / 2) + good.substr(good.size() / 2)).ok());
  for (const char* name : {"", ".", "..", "a/b"})
    EXPECT_FALSE(parse_tree(encode_tree({{"100644", name, kOid}})).ok()) << name;
  EXPECT_FALSE(parse_tree(encode_tree({{"100600", "a", kOid}})).ok());
}

TEST(LfsPointer, OnlyTheCanonicalFormIsRead) {
  const LfsPointer pointer{sha256("x"), 18};
  EXPECT_EQ(pointer.encode(),
            "version https://git-lfs.github.com/spec/v1\noid sha256:" + sha256("x").hex() + "\nsize 18\n");
  ASSERT_TRUE(LfsPointer::parse(pointer.encode()).ok());
  EXPECT_EQ(*LfsPointer::parse(pointer.encode()), pointer);
  const std::string text = pointer.encode();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] ^= 0x20;
    const auto read = LfsPointer::parse(changed);
    if (read) {
      EXPECT_NE(*read, pointer) << i;
    }
  }
  EXPECT_FALSE(LfsPointer::parse(text + "\n").ok());
  EXPECT_FALSE(LfsPointer::parse(text.substr(0, text.size() - 1)).ok());
}

TEST(Person, WhatGitRefusesIsRefused) {
  EXPECT_TRUE(check_person({"A. Author", "a@example.org", 0}).ok());
  for (const char* bad : {"", " x", "x ", "a<b", "a>b", "a\nb", "\xff"}) {
    EXPECT_FALSE(check_person({bad, "a@example.org", 0}).ok()) << bad;
    EXPECT_FALSE(check_person({"A", bad, 0}).ok()) << bad;
  }
  EXPECT_FALSE(check_person({"A", "a@example.org", -1}).ok());
}

}  // namespace
}  // namespace assay::archives::git
