// Archives damaged on purpose: each damage is found, and named.
#include <sys/stat.h>

#include "formats/trust.hpp"
#include "tests/git/archive_fixture.hpp"
#include "toolkit/base/bytes.hpp"

namespace assay::archives::git::test {
namespace {

class Damage : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(archive_.start().ok());
    ASSERT_TRUE(archive_.put(first_generation(), "v1").ok());
    const auto second = archive_.put(second_generation());
    ASSERT_TRUE(second.ok());
    object_ = second->object;
    commit_ = second->commit;
    ASSERT_EQ(codes(archive_.findings()), "");
  }
  GitRepository repository() const { return std::move(*GitRepository::open(archive_.path())); }

  // A commit like the newest, but with a tree that `change` has changed, signed by the archive's own signer,
  // as the tip.
  void forge(const std::function<void(std::vector<TreeFile>&)>& change,
             const std::function<void(CommitText&)>& retouch = {}) {
    GitRepository repo = repository();
    CommitText commit = *CommitText::parse(*repo.read(commit_, ObjectType::commit, kLongestCommit));
    std::vector<TreeFile> files = *list_files(repo, commit.tree, "");
    change(files);
    // write_tree_of makes regular files only; another mode is put in by hand below.
    commit.tree = *write_tree_of(repo, files);
    if (retouch) retouch(commit);
    set_tip(repo, *write_commit(repo, commit, archive_.signer()));
  }
  void set_tip(GitRepository& repo, const Oid& oid) {
    ASSERT_TRUE(repo.flush().ok());
    const WriterLock lock = std::move(*WriterLock::take(repo.git_dir()));
    ASSERT_TRUE(
        repo.move_reference("refs/heads/main", *repo.find_reference("refs/heads/main"), oid, lock.scratch())
            .ok());
  }
  static Oid blob(GitRepository& repo, std::string_view text) {
    const Oid oid = *repo.write(ObjectType::blob, text);
    EXPECT_TRUE(repo.flush().ok());
    return oid;
  }

  Archive archive_;
  std::string object_;
  Oid commit_;
};

TEST_F(Damage, AFlippedByteInABundle) {
  std::string bytes = assay::test::slurp(object_);
  bytes[bytes.size() / 2] ^= 1;
  assay::test::spill(object_, bytes);
  const auto findings = archive_.findings();
  ASSERT_EQ(codes(findings), "A123");
  EXPECT_EQ(findings[0].subject, "bundles/example-campaign/generation-2.h5");
  EXPECT_EQ(findings[0].expected, second_generation().root());  // the fake's root is its SHA-256
  EXPECT_TRUE(archive_.put(second_generation()).ok());          // adding it again repairs that
  EXPECT_EQ(codes(archive_.findings()), "");
}

TEST_F(Damage, ATruncatedBundle) {
  fs::resize_file(object_, 10);
  EXPECT_EQ(codes(archive_.findings()), "A122");
}

TEST_F(Damage, AMissingBundle) {
  fs::remove(object_);
  EXPECT_EQ(codes(archive_.findings()), "A121");
  EXPECT_TRUE(archive_.put(second_generation()).ok());  // adding it again repairs that
  EXPECT_EQ(codes(archive_.findings()), "");
}

TEST_F(Damage, ALinkOrAPipeInPlaceOfABundle) {
  fs::remove(object_);
  ASSERT_EQ(::mkfifo(object_.c_str(), 0600), 0);
  EXPECT_EQ(codes(archive_.findings()), "A121");
}

TEST_F(Damage, APointerToSomethingElse) {
  GitRepository repo = repository();
  const Oid other = blob(repo, LfsPointer{sha256("other"), 5}.encode()), broken = blob(repo, "version x\n");
  const auto replace = [&](const Oid& oid) {
    forge([&](std::vector<TreeFile>& files) {
      for (TreeFile& file : files)
        if (file.path.ends_with("generation-2.h5")) file.entry.oid = oid;
    });
  };
  replace(other);
  EXPECT_EQ(codes(archive_.findings()), "A121");
  replace(broken);
  EXPECT_EQ(codes(archive_.findings()), "A120");
}

TEST_F(Damage, ARemovedGeneration) {
  forge([](std::vector<TreeFile>& files) {
    std::erase_if(files, [](const TreeFile& file) { return file.path.ends_with("generation-1.h5"); });
  });
  const auto findings = archive_.findings();
  ASSERT_EQ(codes(findings), "A112");
  EXPECT_NE(findings[0].text.find("generation-1.h5"), std::string::npos);
}

TEST_F(Damage, AGapInTheGenerations) {
  forge(
      [](std::vector<TreeFile>& files) {
        for (TreeFile& file : files)
          if (file.path.ends_with("generation-2.h5")) file.path = "bundles/example-campaign/generation-3.h5";
      },
      [](CommitText& commit) {
        for (const std::string& digit : {std::string("Generation: "), std::string("generation-")})
          commit.message.replace(commit.message.rfind(digit + "2"), digit.size() + 1, digit + "3");
      });
  EXPECT_EQ(codes(archive_.findings()), "A110") << texts(archive_.findings());
}

TEST_F(Damage, AGenerationCutOutOfTheHistory) {
  GitRepository repo = repository();
  CommitText second = *CommitText::parse(*repo.read(commit_, ObjectType::commit, kLongestCommit));
  const CommitText first =
      *CommitText::parse(*repo.read(second.parents[0], ObjectType::commit, kLongestCommit));
  second.parents = first.parents;
  set_tip(repo, *write_commit(repo, second, archive_.signer()));
  // A gap, a wrong predecessor, the other pointer that nobody added, and the tag that is on no commit of it.
  EXPECT_EQ(codes(archive_.findings()), "A110 A111 A133 A141") << texts(archive_.findings());
}

TEST_F(Damage, SomethingThatDoesNotBelongThere) {
  GitRepository repo = repository();
  const Oid oid = blob(repo, "x");
  for (const char* path : {"bundles/example-campaign/evil.sh", "bundles/other/x", "bundles/x"}) {
    forge([&](std::vector<TreeFile>& files) { files.push_back({path, {"100644", "", oid}}); });
    EXPECT_EQ(codes(archive_.findings()), "A133") << path << "\n" << texts(archive_.findings());
    set_tip(repo, commit_);
  }
}

TEST_F(Damage, OtherAttributes) {
  GitRepository repo = repository();
  const Oid oid = blob(repo, "*.py filter=evil\n");
  forge([&](std::vector<TreeFile>& files) {
    for (TreeFile& file : files)
      if (file.path == ".gitattributes") file.entry.oid = oid;
  });
  EXPECT_EQ(codes(archive_.findings()), "A136");
}

TEST_F(Damage, LinksInTheTree) {
  GitRepository repo = repository();
  CommitText commit = *CommitText::parse(*repo.read(commit_, ObjectType::commit, kLongestCommit));
  std::vector<TreeEntry> root = *read_tree(repo, commit.tree);
  root.push_back({"120000", "escape", blob(repo, "/etc/passwd")});
  commit.tree = *repo.write(ObjectType::tree, encode_tree(root));
  set_tip(repo, *write_commit(repo, commit, archive_.signer()));
  EXPECT_EQ(codes(archive_.findings()), "A133");
}

TEST_F(Damage, AnUnsignedAndABadlySignedCommit) {
  GitRepository repo = repository();
  CommitText commit = *CommitText::parse(*repo.read(commit_, ObjectType::commit, kLongestCommit));
  const std::string signature = commit.signature;
  commit.signature.clear();
  set_tip(repo, *repo.write(ObjectType::commit, commit.encode()));
  EXPECT_EQ(codes(archive_.findings()), "A102");
  commit.signature = signature;
  commit.committer.time += 1;
  set_tip(repo, *repo.write(ObjectType::commit, commit.encode()));
  EXPECT_EQ(codes(archive_.findings()), "A103");
}

TEST_F(Damage, AMerge) {
  GitRepository repo = repository();
  CommitText commit = *CommitText::parse(*repo.read(commit_, ObjectType::commit, kLongestCommit));
  commit.parents.push_back(commit.parents[0]);
  set_tip(repo, *write_commit(repo, commit, archive_.signer()));
  EXPECT_EQ(codes(archive_.findings()), "A101");
}

// Git's own objects. Only zlib's checksum after each object (4 bytes) may change unseen: the object's own
// hash stands above it. (A pack is a header of 12 bytes, objects, and a checksum of 20.)
TEST_F(Damage, AnyByteOfAPack) {
  std::size_t packs = 0;
  for (const auto& item : fs::directory_iterator(archive_.path() / ".git/objects/pack")) {
    if (item.path().extension() != ".pack") continue;
    const std::string bytes = assay::test::slurp(item.path());
    fs::permissions(item.path(), fs::perms::owner_all);
    std::size_t unseen = 0;
    for (std::size_t at = 12; at + 20 < bytes.size(); at += 3) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
      assay::test::spill(item.path(), flipped);
      if (archive_.findings().empty()) ++unseen;
    }
    EXPECT_LE(unseen, 2 * get_u32_be(bytes.data() + 8)) << "of " << bytes.size() << " bytes";
    assay::test::spill(item.path(), bytes);
    ++packs;
  }
  EXPECT_EQ(packs, 3u);
  EXPECT_EQ(codes(archive_.findings()), "");
}

TEST_F(Damage, AMissingPack) {
  const auto item = *fs::directory_iterator(archive_.path() / ".git/objects/pack");
  const fs::path stem = fs::path(item.path()).replace_extension();
  fs::remove(stem.string() + ".pack");
  fs::remove(stem.string() + ".idx");
  EXPECT_NE(codes(archive_.findings()), "");
}

// 40 small objects that spell 10^40 files.
TEST_F(Damage, ATreeThatUnfoldsWithoutEnd) {
  GitRepository repo = repository();
  Oid tree = *repo.write(ObjectType::tree, encode_tree({}));
  for (int level = 0; level < 40; ++level) {
    std::vector<TreeEntry> entries;
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"})
      entries.push_back({"40000", name, tree});
    tree = *repo.write(ObjectType::tree, encode_tree(entries));
  }
  const auto listed = list_files(repo, tree, "");
  ASSERT_FALSE(listed.ok());
  EXPECT_NE(listed.error().what.find("too many files"), std::string::npos);
}

TEST_F(Damage, BorrowedObjects) {
  assay::test::spill(archive_.path() / ".git/objects/info/alternates", "/elsewhere/objects\n");
  EXPECT_EQ(codes(archive_.findings()), "A150");
}

TEST_F(Damage, ALightweightTag) {
  assay::test::spill(archive_.path() / ".git/refs/tags/light", commit_ + "\n");
  EXPECT_EQ(codes(archive_.findings()), "A141");
}

// ---- who may sign

class SignerTrust : public Damage {
 protected:
  formats::Trust trust(const std::string& options = "") const {
    formats::Trust out;
    out.allowed = *formats::parse_allowed_signers(
        "lab@example.org " + options + archive_.signer().public_key().line() + "\n", "here");
    return out;
  }
};

TEST_F(SignerTrust, AllowedSignersAreNamed) {
  const formats::Trust given = trust("namespaces=\"git\" ");
  EXPECT_EQ(codes(archive_.findings(&given)), "");
  const auto report = check_history(repository(), &given, kWhen, read_every_text);
  ASSERT_EQ(report->signers.size(), 1u);
  EXPECT_EQ(report->signers[0].principal, "lab@example.org");
  EXPECT_EQ(report->signers[0].commits, 3u);
}

TEST_F(SignerTrust, OthersAreNot) {
  const formats::Trust nobody;
  EXPECT_EQ(codes(archive_.findings(&nobody)), "A104 A104 A104 A104");  // three commits and a tag
  const formats::Trust files = trust("namespaces=\"file\" ");
  EXPECT_EQ(codes(archive_.findings(&files)), "A104 A104 A104 A104");
  formats::Trust revoked = trust();
  revoked.policy.revoked.push_back(archive_.signer().public_key().fingerprint());
  EXPECT_EQ(codes(archive_.findings(&revoked)), "A104 A104 A104 A104");
}

// kWhen is 2027-01-15: the commits say so, and a back-dated commit would say so too.
TEST_F(SignerTrust, AnExpiredKeyIsSaid) {
  const formats::Trust expired = trust("valid-before=\"20270201Z\" ");
  EXPECT_EQ(codes(archive_.findings(&expired, kWhen)), "");
  EXPECT_EQ(codes(archive_.findings(&expired, kWhen + 90 * 86400)), "A105 A105 A105 A105");
  const formats::Trust later = trust("valid-after=\"20270201Z\" ");
  EXPECT_EQ(codes(archive_.findings(&later, kWhen + 90 * 86400)), "A104 A104 A104 A104");
}

}  // namespace
}  // namespace assay::archives::git::test
