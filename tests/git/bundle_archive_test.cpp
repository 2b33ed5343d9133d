// Real bundles in an archive: the sample campaign, sealed.
#include "archives/import.hpp"
#include "archives/seal.hpp"
#include "tests/git/archive_fixture.hpp"

namespace assay::archives::git::test {
namespace {

class BundleArchive : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(archive_.start().ok());
    first_ = seal_sample("first.h5", {}, "");
    ASSERT_FALSE(first_.empty());
  }

  // The sample campaign, with `more` at the end of every program.
  std::string seal_sample(const std::string& name, const std::string& supersedes, const std::string& more,
                          const std::vector<std::string>& withhold = {}) {
    const fs::path source = archive_.folder() / (name + ".d");
    fs::copy(fs::path(ASSAY_SOURCE_DIR) / "archives/samples/small", source, fs::copy_options::recursive);
    for (const auto& item : fs::recursive_directory_iterator(source))
      if (item.path().filename() == "program.py")
        assay::test::spill(item.path(), assay::test::slurp(item.path()) + more);
    const auto importer = find_importer("assay");
    if (!importer) return "";
    Result<Import> import = (*importer)->run(source, {});
    EXPECT_TRUE(import.ok()) << why(import);
    SealOptions options;
    options.signers = {&archive_.signer()};
    options.withhold = withhold;
    options.salts = archive_.folder() / "salts";
    if (!supersedes.empty()) options.supersedes = supersedes;
    const std::string output = (archive_.folder() / name).string();
    const auto sealed = seal(std::move(*import), output, options);
    EXPECT_TRUE(sealed.ok()) << why(sealed);
    return sealed ? output : "";
  }
  Result<AddReport> put(const std::string& file) const {
    return add(archive_.path(), file, archive_.signer(), {author(), {}, {}, {}});
  }
  std::vector<formats::Finding> findings() const {
    const auto report = check(archive_.path(), nullptr, kWhen);
    EXPECT_TRUE(report.ok()) << why(report);
    return report.ok() ? report->findings : std::vector<formats::Finding>();
  }
  // The newest commit again, with another text at `path` (relative to `latest`), or without it.
  void replace_text(const std::string& path, const std::optional<std::string>& text) {
    GitRepository repo = std::move(*GitRepository::open(archive_.path()));
    const WriterLock lock = std::move(*WriterLock::take(repo.git_dir()));
    const History history = *read_history(repo);
    CommitText commit = history.commits.back().text;
    std::vector<TreeFile> files = *list_files(repo, commit.tree, "");
    const std::string whole =
        "bundles/" + *campaign_of_bundle(history.commits.back().trailers->bundle) + "/latest/" + path;
    std::erase_if(files, [&](const TreeFile& file) { return file.path == whole; });
    if (text) files.push_back({whole, {"100644", "", *repo.write(ObjectType::blob, *text)}});
    commit.tree = *write_tree_of(repo, files);
    const Oid forged = *write_commit(repo, commit, archive_.signer());
    ASSERT_TRUE(repo.flush().ok());
    ASSERT_TRUE(repo.move_reference(history.branch, history.tip, forged, lock.scratch()).ok());
  }
  std::string some_program() const {
    const auto repo = GitRepository::open(archive_.path());
    const auto files = list_files(*repo, read_history(*repo)->commits.back().text.tree, "");
    for (const TreeFile& file : *files)
      if (const auto at = file.path.find("latest/programs/"); at != std::string::npos)
        return file.path.substr(at + 7);
    return "";
  }

  Archive archive_;
  std::string first_;
};

TEST_F(BundleArchive, GenerationsGoInAndCheck) {
  const auto added = put(first_);
  ASSERT_TRUE(added.ok()) << why(added);
  EXPECT_TRUE(added->added);
  EXPECT_FALSE(put(first_)->added);
  const std::string second = seal_sample("second.h5", first_, "# changed\n");
  const auto next = put(second);
  ASSERT_TRUE(next.ok()) << why(next);
  EXPECT_EQ(next->generation, 2u);
  EXPECT_EQ(next->campaign, added->campaign);
  EXPECT_EQ(codes(findings()), "") << texts(findings());
  EXPECT_EQ(assay::test::slurp(archive_.path() / next->bundle), assay::test::slurp(second));
  const fs::path latest = archive_.path() / "bundles" / next->campaign / "latest";
  for (const char* text :
       {"manifest.txt", "campaign.json", "completeness.json", "statement.json", "envelope.json", "programs"})
    EXPECT_TRUE(fs::exists(latest / text)) << text;
  const std::string program = assay::test::slurp(latest / some_program());
  EXPECT_TRUE(program.ends_with("# changed\n"));
}

TEST_F(BundleArchive, ASecondGenerationNeedsTheFirst) {
  const std::string second = seal_sample("second.h5", first_, "# changed\n");
  EXPECT_FALSE(put(second).ok());
}

TEST_F(BundleArchive, AChangedTextIsFound) {
  ASSERT_TRUE(put(first_).ok());
  const std::string program = some_program();
  ASSERT_FALSE(program.empty());
  replace_text(program, "print('evil')\n");
  const auto found = findings();
  ASSERT_EQ(codes(found), "A131") << texts(found);
  EXPECT_NE(found[0].subject.find(program), std::string::npos);
}

TEST_F(BundleArchive, AnyTextChangedMissingOrAddedIsFound) {
  ASSERT_TRUE(put(first_).ok());
  const auto expect = [&](const std::string& path, const std::optional<std::string>& text,
                          const std::string& codes_expected) {
    const std::string before =
        *GitRepository::open(archive_.path())->find_reference("refs/heads/main")->operator->();
    replace_text(path, text);
    EXPECT_EQ(codes(findings()), codes_expected) << path << "\n" << texts(findings());
    GitRepository repo = std::move(*GitRepository::open(archive_.path()));
    const WriterLock lock = std::move(*WriterLock::take(repo.git_dir()));
    ASSERT_TRUE(repo.move_reference("refs/heads/main", *repo.find_reference("refs/heads/main"), before,
                                    lock.scratch())
                    .ok());
  };
  expect("campaign.json", "{}", "A131");
  expect("completeness.json", std::nullopt, "A132");
  expect("statement.json", "{}", "A131");
  expect("envelope.json", "{}", "A131");
  expect("manifest.txt", std::nullopt, "A132");
  expect("evil.sh", "x", "A133");
  expect("programs/evil.py", "x", "A133");
}

TEST_F(BundleArchive, AnotherManifestIsFound) {
  ASSERT_TRUE(put(first_).ok());
  const fs::path latest = archive_.path() / "bundles" / log(archive_.path())->at(0).campaign / "latest";
  std::string manifest = assay::test::slurp(latest / "manifest.txt");
  manifest.erase(0, manifest.find("\n") + 1);
  replace_text("manifest.txt", manifest);
  EXPECT_NE(codes(findings()).find("A130"), std::string::npos) << texts(findings());
}

TEST_F(BundleArchive, TextsAreCheckedWhenTheBundleIsNotThere) {
  const auto added = put(first_);
  ASSERT_TRUE(added.ok());
  fs::remove(added->object);
  replace_text(some_program(), "print('evil')\n");
  EXPECT_EQ(codes(findings()), "A121 A131") << texts(findings());
}

TEST_F(BundleArchive, AnotherBundleInPlaceOfTheSealedOneIsFound) {
  ASSERT_TRUE(put(first_).ok());
  const std::string other = seal_sample("other.h5", {}, "# other\n");
  GitRepository repo = std::move(*GitRepository::open(archive_.path()));
  const WriterLock lock = std::move(*WriterLock::take(repo.git_dir()));
  const LfsPointer pointer =
      *store_lfs_object(open_read(other)->get(), repo.git_dir(), lock.scratch() / "object");
  const History history = *read_history(repo);
  CommitText commit = history.commits.back().text;
  std::vector<TreeFile> files = *list_files(repo, commit.tree, "");
  for (TreeFile& file : files)
    if (file.path.ends_with(".h5")) file.entry.oid = *repo.write(ObjectType::blob, pointer.encode());
  commit.tree = *write_tree_of(repo, files);
  const Oid forged = *write_commit(repo, commit, archive_.signer());
  ASSERT_TRUE(repo.flush().ok());
  ASSERT_TRUE(repo.move_reference(history.branch, history.tip, forged, lock.scratch()).ok());
  EXPECT_TRUE(codes(findings()).starts_with("A130 A131")) << texts(findings());
}

TEST_F(BundleArchive, WithheldProgramsAreNotTexts) {
  const std::string secret = seal_sample("secret.h5", {}, "", {"programs"});
  const auto added = put(secret);
  ASSERT_TRUE(added.ok()) << why(added);
  EXPECT_EQ(some_program(), "");
  EXPECT_EQ(codes(findings()), "") << texts(findings());
}

TEST_F(BundleArchive, ADamagedBundleIsRefused) {
  std::string bytes = assay::test::slurp(first_);
  bytes[bytes.size() / 2] ^= 1;
  const std::string damaged = (archive_.folder() / "damaged.h5").string();
  assay::test::spill(damaged, bytes);
  const auto added = put(damaged);
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().fault, Fault::damaged);
  EXPECT_EQ(log(archive_.path())->size(), 0u);
}

TEST_F(BundleArchive, WhatIsNoBundleIsRefused) {
  assay::test::spill(archive_.folder() / "no.h5", std::string(10'000, 'x'));
  const auto added = put((archive_.folder() / "no.h5").string());
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(log(archive_.path())->size(), 0u);
}

}  // namespace
}  // namespace assay::archives::git::test
