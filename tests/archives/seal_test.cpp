#include "archives/seal.hpp"

#include <unistd.h>

#include <gtest/gtest.h>

#include "archives/import.hpp"
#include "formats/withheld.hpp"
#include "tests/archives/export_support.hpp"
#include "toolkit/base/files.hpp"

namespace assay::archives {
namespace {

class Seal : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("assay-seal-" + std::to_string(::getpid()) + "-" +
                                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
    ASSERT_TRUE(formats::create_key(folder_ / "key", "test", true).ok());
    signer_ = std::move(*formats::load_signer((folder_ / "key").string()));
    options_.signers = {signer_.get()};
    options_.force = true;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A campaign of two experiments; `extra` goes into a file of its own.
  fs::path campaign(const std::string& extra = "nothing\n") {
    const fs::path root = folder_ / "campaign";
    put(root / "campaign.json", R"({"assay": "campaign", "version": 1, "title": "Two"})");
    put(root / "experiments/1/experiment.json",
        R"({"id": "1", "name": "a", "parents": [], "files": {"program": "experiments/1/program.py"}})");
    put(root / "experiments/1/program.py", "print('one')\n");
    put(root / "experiments/1/metrics.csv", "metric,step,value\nloss,1,0.5\nloss,2,0.25\nacc,,0.75\n");
    put(root / "experiments/2/experiment.json",
        R"({"id": "2", "name": "b", "parents": ["1"], "score": 2.5})");
    put(root / "notes.txt", extra);
    return root;
  }
  static void put(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file(path, text, Existing::replace).ok());
  }
  static Import import(const fs::path& root) {
    Result<Import> import = (*find_importer("assay"))->run(root, {});
    EXPECT_TRUE(import.ok()) << import.error().what << " in " << import.error().where;
    return std::move(*import);
  }
  Result<SealReport> seal_to(const std::string& name, const fs::path& root) {
    return seal(import(root), folder_ / name, options_);
  }
  formats::Bundle open(const std::string& name) {
    Result<formats::Bundle> bundle = formats::Bundle::open(*open_read(folder_ / name), name);
    EXPECT_TRUE(bundle.ok()) << bundle.error().what << " in " << bundle.error().where;
    return std::move(*bundle);
  }
  static std::uint64_t damage_count(const formats::Bundle& bundle) {
    std::uint64_t count = 0;
    EXPECT_TRUE(bundle.walk([](auto, auto, auto) -> Status { return {}; }, [&](auto) { ++count; }).ok());
    return count;
  }

  fs::path folder_;
  std::unique_ptr<formats::Signer> signer_;
  SealOptions options_;
};

TEST_F(Seal, HoldsTheFilesTheColumnsAndTheCompletenessReport) {
  const auto report = seal_to("a.h5", campaign());
  ASSERT_TRUE(report.ok()) << report.error().what;
  EXPECT_EQ(report->experiments, 2u);
  const formats::Bundle bundle = open("a.h5");
  EXPECT_EQ(*bundle.read("experiments/1/program.py"), "print('one')\n");
  EXPECT_EQ(bundle.read("columns/metrics/loss/value")->size(), 16u);
  EXPECT_TRUE(bundle.manifest().find("completeness.json").has_value());
  EXPECT_EQ(bundle.statement().title, "Two");
  EXPECT_EQ(bundle.statement().root, report->root);
  EXPECT_EQ(damage_count(bundle), 0u);
}

TEST_F(Seal, ExportThenSealGivesTheSameRoot) {
  const auto first = seal_to("a.h5", fs::path(ASSAY_SOURCE_DIR) / "archives/samples/small");
  ASSERT_TRUE(first.ok()) << first.error().what << " in " << first.error().where;
  const formats::Bundle bundle = open("a.h5");
  FolderReceiver receiver = std::move(*FolderReceiver::create(folder_ / "out"));
  const Status emitted = emit_files(bundle, {}, [&](std::string_view bytes) { return receiver.take(bytes); });
  ASSERT_TRUE(emitted.ok()) << emitted.error().what << " in " << emitted.error().where;
  ASSERT_TRUE(receiver.finish().ok());
  const auto second = seal_to("b.h5", folder_ / "out");
  ASSERT_TRUE(second.ok()) << second.error().what << " in " << second.error().where;
  EXPECT_EQ(first->root, second->root);
  EXPECT_TRUE(*read_file(folder_ / "a.h5") == *read_file(folder_ / "b.h5"));
}

TEST_F(Seal, ExportedFilesAreThoseThatWereSealed) {
  const fs::path root = fs::path(ASSAY_SOURCE_DIR) / "archives/samples/small";
  ASSERT_TRUE(seal_to("a.h5", root).ok());
  const formats::Bundle bundle = open("a.h5");
  FolderReceiver receiver = std::move(*FolderReceiver::create(folder_ / "out"));
  ASSERT_TRUE(emit_files(bundle, {}, [&](std::string_view bytes) -> Status {
                for (std::size_t i = 0; i < bytes.size(); i += 1000)
                  ASSAY_TRY(receiver.take(bytes.substr(i, 1000)));
                return Status();
              }).ok());
  ASSERT_TRUE(receiver.finish().ok());
  for (const FoundFile& file : *walk_files(root))
    EXPECT_TRUE(*read_file(root / file.relative) == *read_file(folder_ / "out" / file.relative))
        << file.relative;
}

std::string empty_file(const std::string& name) {
  return static_cast<char>(name.size()) + std::string(3, '\0') + name + std::string(8, '\0');
}

// Git runs what a repository's configuration names for whoever calls it there.
TEST_F(Seal, ReceiverRefusesRepositories) {
  const auto receive = [&](const std::vector<std::string>& names, bool with_git) -> Status {
    FolderReceiver receiver = std::move(*FolderReceiver::create(folder_ / "out", with_git));
    for (const std::string& name : names) ASSAY_TRY(receiver.take(empty_file(name)));
    ASSAY_TRY(receiver.finish());
    fs::remove_all(folder_ / "out");
    return {};
  };
  const std::vector<std::string> bare = {"a/HEAD", "a/config", "a/objects/x", "a/refs/x"};
  const std::vector<std::string> common = {"HEAD", "commondir", "b/objects/x", "b/refs/x"};
  for (const auto& names : {std::vector<std::string>{"a/.git/config"}, {".GIT"}, bare, common}) {
    const Status refused = receive(names, false);
    ASSERT_FALSE(refused.ok()) << names[0];
    EXPECT_NE(refused.error().hint.find("--with-git"), std::string::npos);
    EXPECT_TRUE(receive(names, true).ok()) << names[0];
  }
  EXPECT_TRUE(receive({"HEAD", "objects/x", ".gitignore", "x.git/a"}, false).ok());
}

// A campaign that its authors keep in git: its index holds times, so the bundle would be another one each
// day.
TEST_F(Seal, LeavesGitsOwnFilesOutAndSaysSo) {
  const fs::path root = campaign();
  const auto plain = seal_to("a.h5", root);
  put(root / ".git/config", "[core]\n");
  put(root / "experiments/1/.git", "gitdir: elsewhere\n");
  const auto kept = seal_to("b.h5", root);
  ASSERT_TRUE(plain.ok() && kept.ok());
  EXPECT_EQ(kept->root, plain->root);
  ASSERT_EQ(kept->problems.size(), 2u);
  EXPECT_EQ(kept->problems[0].where, ".git");
  EXPECT_EQ(kept->problems[1].where, "experiments/1/.git");
}

TEST_F(Seal, ReceiverRefusesPathsThatLeaveItsFolder) {
  for (const std::string name : {"../x", "/etc/x", "a/../../x", "a//b"}) {
    FolderReceiver receiver = std::move(*FolderReceiver::create(folder_ / "out"));
    EXPECT_FALSE(receiver.take(empty_file(name)).ok()) << name;
  }
}

TEST_F(Seal, ExportWithoutKeepsRootAndSignature) {
  const auto whole = seal_to("a.h5", campaign());
  ASSERT_TRUE(whole.ok());
  ASSERT_TRUE(export_without(folder_ / "a.h5", {"programs"}, folder_ / "small.h5").ok());
  const formats::Bundle small = open("small.h5");
  EXPECT_EQ(small.statement().root, whole->root);
  ASSERT_TRUE(small.origin().has_value());
  EXPECT_EQ(small.statement().left_out, std::vector<std::string>{"programs"});
  EXPECT_EQ(damage_count(small), 0u);
  const auto program = small.read("experiments/1/program.py");
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().fault, Fault::missing);
  EXPECT_TRUE(small.read("experiments/1/metrics.csv").ok());
}

TEST_F(Seal, ExportWithoutAKindThatIsNotThereIsAnError) {
  ASSERT_TRUE(seal_to("a.h5", campaign()).ok());
  EXPECT_FALSE(export_without(folder_ / "a.h5", {"checkpoints"}, folder_ / "b.h5").ok());
}

constexpr const char* kKey = "api_key: sk-abcdEFGH1234567890abcdEFGH1234567890abcdEFGH12\n";

TEST_F(Seal, ASecretStopsSealingAndLeavesNothing) {
  const auto report = seal_to("a.h5", campaign(kKey));
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().fault, Fault::refused);
  EXPECT_NE(report.error().where.find("notes.txt"), std::string::npos);
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_NE(entry.path().extension(), ".h5") << entry.path();
}

TEST_F(Seal, BlankLinesBetweenStepsAreNoSteps) {
  const fs::path root = campaign();
  put(root / "steps.jsonl", "\n{\"id\": \"a\"}\r\n \n{\"id\": \"b\"}\n\n");
  ASSERT_TRUE(seal_to("a.h5", root).ok());
  EXPECT_EQ(open("a.h5").statement().summary["steps"].natural(), 2u);
}

TEST_F(Seal, ASecretInANameStopsSealingToo) {
  const fs::path root = campaign();
  const std::string token = std::string("gh") + "p_" + "0123456789abcdefABCDEF0123456789abcd";
  put(root / "logs" / (token + ".txt"), "nothing\n");
  options_.redact = true;
  const auto report = seal_to("a.h5", root);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().fault, Fault::refused);
  EXPECT_EQ(report.error().where, "logs/[REDACTED:github-token].txt");
  EXPECT_FALSE(fs::exists(folder_ / "a.h5"));
}

TEST_F(Seal, RedactedSecretIsNowhereInTheBundle) {
  options_.redact = true;
  const auto report = seal_to("a.h5", campaign(kKey));
  ASSERT_TRUE(report.ok()) << report.error().what;
  ASSERT_EQ(report->redacted.size(), 1u);
  EXPECT_EQ(report->redacted[0].item, "notes.txt");
  const formats::Bundle bundle = open("a.h5");
  EXPECT_EQ(bundle.read("notes.txt")->find("sk-abcd"), std::string::npos);
  EXPECT_NE(bundle.read("redactions.json")->find("notes.txt"), std::string::npos);
  const std::string digest = sha256(kKey).hex();
  EXPECT_EQ(bundle.manifest().text().find(digest), std::string_view::npos);
}

TEST_F(Seal, WithheldItemsHaveASaltedDigestAndCanBeDisclosed) {
  options_.withhold = {"programs"};
  options_.salts = folder_ / "salts";
  ASSERT_TRUE(seal_to("a.h5", campaign()).ok());
  const formats::Bundle bundle = open("a.h5");
  const auto item = bundle.manifest().find("experiments/1/program.py");
  ASSERT_TRUE(item.has_value());
  const formats::ManifestEntry entry = bundle.manifest().entry(*item);
  EXPECT_EQ(entry.type.dtype, formats::Dtype::withheld);
  EXPECT_FALSE(bundle.has_content(*item));
  const formats::Disclosure disclosure{
      entry.name, {}, formats::item_salt(*formats::load_salt_secret(options_.salts), entry.name)};
  const auto read_back = formats::Disclosure::decode(disclosure.encode());
  ASSERT_TRUE(read_back.ok());
  EXPECT_EQ(read_back->digest("print('one')\n"), entry.digest);
  EXPECT_NE(read_back->digest("print('two')\n"), entry.digest);
  EXPECT_EQ(fs::status(options_.salts).permissions() & fs::perms::all, fs::perms(0600));
}

TEST_F(Seal, SupersedingBundleCarriesTheRootBefore) {
  const auto first = seal_to("a.h5", campaign());
  ASSERT_TRUE(first.ok());
  options_.supersedes = folder_ / "a.h5";
  ASSERT_TRUE(seal_to("b.h5", campaign("more\n")).ok());
  const formats::Bundle second = open("b.h5");
  EXPECT_EQ(second.statement().generation, 2u);
  EXPECT_EQ(second.statement().supersedes, first->root);
}

TEST_F(Seal, AnAddedSignatureChangesOnlyTheSignatureArea) {
  ASSERT_TRUE(seal_to("a.h5", campaign()).ok());
  ASSERT_TRUE(formats::create_key(folder_ / "other", "other", true).ok());
  const auto other = std::move(*formats::load_signer((folder_ / "other").string()));
  const formats::Bundle bundle = open("a.h5");
  const Fd file = *open_read(folder_ / "a.h5");
  ASSERT_TRUE(formats::add_signature(bundle, file.get(), folder_ / "b.h5", *other, false).ok());
  const formats::Bundle both = open("b.h5");
  EXPECT_EQ(both.envelope().signatures.size(), 2u);
  EXPECT_EQ(both.statement().root, bundle.statement().root);
  const std::uint64_t same = bundle.header().signatures;
  EXPECT_TRUE(read_file(folder_ / "a.h5")->substr(0, same) == read_file(folder_ / "b.h5")->substr(0, same));
}

TEST_F(Seal, AnItemLargerThanAChunkWithASecretAcrossTheEdge) {
  std::string text(4u << 20, 'x');
  for (std::size_t i = 80; i < text.size(); i += 81) text[i] = '\n';
  const std::string key = "\nsk-abcdEFGH1234567890abcdEFGH1234567890abcdEFGH12\n";
  text.replace(text.size() - 20, 20, "");
  text += key + std::string(100, 'y');
  const auto report = seal_to("a.h5", campaign(text));
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().fault, Fault::refused);
}

TEST_F(Seal, DryRunListsAndWritesNothing) {
  options_.withhold = {"programs"};
  options_.salts = folder_ / "salts";
  const auto run = dry_run(import(campaign(kKey)), options_);
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->secrets.size(), 1u);
  EXPECT_FALSE(fs::exists(options_.salts));
  EXPECT_GT(run->items.size(), 6u);
}

}  // namespace
}  // namespace assay::archives
