// The main job on the sample campaign, as a user does it: each command of the program, in the order of the
// demo.
#include <filesystem>
#include <string>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "tests/support/run_program.hpp"
#include "toolkit/base/json.hpp"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using test::Ran;
using test::run_assay;

const std::string kSample = ASSAY_SOURCE_DIR "/archives/samples/small";

Json document_of(const Ran& ran) {
  const auto json = Json::parse(ran.out);
  EXPECT_TRUE(json.ok()) << ran.out << ran.err;
  return json ? *json : Json();
}

/// A key, the file that trusts it, and the sealed sample; made once for all tests.
class EndToEnd : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TemporaryFolder;
    ASSERT_EQ(run({"key", "new", "lab.key", "--comment", "alice@lab.example"}).status, 0);
    test::spill(path("trust"), "alice@lab.example " + test::slurp(path("lab.key.pub")));
    const Ran sealed = run({"seal", kSample, "--from", "assay", "-o", "c.h5", "--key", "lab.key", "--json"});
    ASSERT_EQ(sealed.status, 0) << sealed.err;
    root_ = document_of(sealed)["result"]["root"].string_or("");
    ASSERT_EQ(root_.size(), 64u);
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  static Ran run(const std::vector<std::string>& words, const std::vector<std::string>& environment = {}) {
    return run_assay(words, folder_->path(), environment);
  }
  static std::string path(const std::string& name) { return *folder_ / name; }

  static test::TemporaryFolder* folder_;
  static std::string root_;
};
test::TemporaryFolder* EndToEnd::folder_ = nullptr;
std::string EndToEnd::root_;

TEST_F(EndToEnd, ANewKeyIsSecretAndNotReplaced) {
  struct stat info {};
  ASSERT_EQ(::stat(path("lab.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const Ran again = run({"key", "new", "lab.key"});
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.err.find("already there"), std::string::npos) << again.err;
  EXPECT_EQ(document_of(run({"key", "show", "lab.key", "--json"}))["result"],
            document_of(run({"key", "show", "lab.key.pub", "--json"}))["result"]);
}

TEST_F(EndToEnd, SealingTwiceGivesTheSameBytes) {
  ASSERT_EQ(run({"seal", kSample, "--from", "assay", "-o", "again.h5", "--key", "lab.key"}).status, 0);
  EXPECT_TRUE(test::slurp(path("again.h5")) == test::slurp(path("c.h5")));
}

TEST_F(EndToEnd, NothingIsOverwrittenWithoutForce) {
  test::spill(path("precious"), "mine");
  const Ran refused = run({"seal", kSample, "--from", "assay", "-o", "precious", "--key", "lab.key"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.err, "error: already there\n  in:   precious\n  hint: --force replaces it\n");
  EXPECT_EQ(test::slurp(path("precious")), "mine");
}

TEST_F(EndToEnd, ADryRunWritesNothing) {
  const Ran dry = run({"seal", kSample, "--from", "assay", "--dry-run", "--json"});
  ASSERT_EQ(dry.status, 0) << dry.err;
  EXPECT_GT(document_of(dry)["result"]["items"].size(), 50u);
}

TEST_F(EndToEnd, VerifyNamesFiveVerdictsAndTheRoot) {
  const Ran known = run({"verify", "c.h5", "--trust", "trust", "--json"});
  EXPECT_TRUE(known.status == 0 || known.status == 3) << known.status << known.err;
  const Json document = document_of(known);
  EXPECT_EQ(document["input"]["root"].string_or(""), root_);
  EXPECT_EQ(document["command"].string_or(""), "verify");
  for (const char* level : {"intact", "complete", "consistent", "reproduced", "replicated"})
    EXPECT_NE(document["result"][level]["verdict"].string_or(""), "") << level;
  EXPECT_EQ(document["result"]["intact"]["verdict"].string_or(""), "yes") << known.out;

  const Ran text = run({"verify", "c.h5", "--trust", "trust"});
  EXPECT_EQ(text.status, known.status);
  std::size_t at = 0;
  for (const char* line : {"\n  intact ", "\n  complete ", "\n  consistent ", "\n  reproduced ",
                           "\n  replicated ", "What this proves", "What it does not"}) {
    const std::size_t found = text.out.find(line, at);
    ASSERT_NE(found, std::string::npos) << line << text.out;
    at = found;
  }
  EXPECT_EQ(text.out.find('\x1b'), std::string::npos) << "no colour where the output is no terminal";
}

TEST_F(EndToEnd, AnUnknownSignerHasItsOwnStatus) {
  const Ran unknown = run({"verify", "c.h5"});
  EXPECT_TRUE(unknown.status == 5 || unknown.status == 3) << unknown.status;
  ASSERT_EQ(run({"key", "new", "other.key"}).status, 0);
  EXPECT_EQ(run({"verify", "c.h5", "--trust", "other.key.pub"}).status, 2) << "the policy is not met";
}

TEST_F(EndToEnd, OneChangedByteIsFoundAndNamed) {
  std::string bytes = test::slurp(path("c.h5"));
  for (const std::size_t at : {std::size_t{10}, bytes.size() / 2, bytes.size() - 40}) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    test::spill(path("damaged.h5"), damaged);
    const Ran ran = run({"verify", "damaged.h5", "--trust", "trust", "--json"});
    EXPECT_EQ(ran.status, 2) << "byte " << at;
    const Json document = document_of(ran);
    EXPECT_EQ(document["result"]["intact"]["verdict"].string_or(""), "no");
    ASSERT_GT(document["findings"].size(), 0u);
    EXPECT_NE(document["findings"].items()[0]["subject"].string_or(""), "");
  }
}

TEST_F(EndToEnd, ListFiltersSortsAndWritesCsv) {
  const Ran csv = run({"list", "c.h5", "--sort", "score:desc", "--limit", "3", "--csv"});
  ASSERT_EQ(csv.status, 0) << csv.err;
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 4);
  const Json document = document_of(run({"list", "c.h5", "--where", "has(program)", "--json"}));
  EXPECT_EQ(document["input"]["root"].string_or(""), root_);
  EXPECT_GT(document["result"]["matched"].natural().value_or(0), 0u);
  const Ran wrong = run({"list", "c.h5", "--where", "score >"});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_TRUE(wrong.err.starts_with("error: ")) << wrong.err;
}

TEST_F(EndToEnd, ShowGivesContentByteForByte) {
  for (const char* name : {"experiments/3/program.py", "steps.jsonl", "experiments/3/metrics.csv"}) {
    const Ran ran = run({"show", "c.h5", name});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_TRUE(ran.out == test::slurp(fs::path(kSample) / name)) << name;
  }
  ASSERT_EQ(run({"show", "c.h5", "3", "program", "-o", "p.py"}).status, 0);
  EXPECT_EQ(test::slurp(path("p.py")), test::slurp(kSample + "/experiments/3/program.py"));
  EXPECT_EQ(run({"show", "c.h5", "3", "no_such_role"}).status, 1);
  EXPECT_NE(run({"show", "c.h5", "3"}).out.find("experiment 3"), std::string::npos);
}

TEST_F(EndToEnd, AuditAndDiffAnswer) {
  EXPECT_NE(run({"audit", "c.h5", "3"}).out.find("Steps, in order"), std::string::npos);
  EXPECT_EQ(run({"audit", "c.h5"}).status, 1);
  EXPECT_EQ(run({"diff", "c.h5", "3"}).status, 0);
  EXPECT_EQ(run({"diff", "c.h5", "1", "3"}).status, 0);
  EXPECT_EQ(run({"diff", "c.h5", "c.h5"}).status, 0);
}

TEST_F(EndToEnd, ExportThenSealGivesTheSameRoot) {
  ASSERT_EQ(run({"export", "c.h5", "-o", "folder"}).status, 0);
  const Ran sealed =
      run({"seal", "folder", "--from", "assay", "-o", "back.h5", "--key", "lab.key", "--json"});
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  EXPECT_EQ(document_of(sealed)["result"]["root"].string_or(""), root_);
  EXPECT_EQ(run({"export", "c.h5", "-o", "folder"}).status, 1)
      << "a folder that is there is not written into";
}

TEST_F(EndToEnd, AnExportWithoutProgramsKeepsTheRootAndVerifies) {
  ASSERT_EQ(run({"export", "c.h5", "--without", "programs", "-o", "less.h5"}).status, 0);
  const Ran ran = run({"verify", "less.h5", "--trust", "trust", "--json"});
  EXPECT_TRUE(ran.status == 0 || ran.status == 3) << ran.out << ran.err;
  EXPECT_EQ(document_of(ran)["input"]["root"].string_or(""), root_);
  EXPECT_EQ(run({"show", "less.h5", "3", "program"}).status, 1);
}

TEST_F(EndToEnd, AWithheldItemIsDisclosedAndOnlyTheSealedContentFits) {
  ASSERT_EQ(run({"seal", kSample, "--from", "assay", "-o", "hidden.h5", "--key", "lab.key", "--withhold",
                 "programs", "--salts", "lab.salts"})
                .status,
            0);
  const std::string item = "experiments/3/program.py";
  ASSERT_EQ(run({"show", "c.h5", item, "-o", "3.py"}).status, 0);
  const auto disclose = [&](const std::string& from, const std::string& salts) {
    return run({"disclose", "hidden.h5", item, "--content", from, "--salts", salts, "-o", "out.py"});
  };
  test::spill(path("other.py"), "print()\n");
  EXPECT_EQ(disclose("other.py", "lab.salts").status, 1);
  EXPECT_EQ(disclose("3.py", "no.salts").status, 1);
  EXPECT_FALSE(fs::exists(path("no.salts")));
  const auto not_salts = disclose("3.py", "other.py");
  EXPECT_NE(not_salts.err.find("name the one that seal --salts made"), std::string::npos) << not_salts.err;
  ASSERT_EQ(disclose("3.py", "lab.salts").status, 0);
  const Ran ran =
      run({"verify", "hidden.h5", "--trust", "lab.key.pub", "--disclosed", "out.py.json", "--json"});
  EXPECT_NE(ran.out.find("I113"), std::string::npos) << ran.out << ran.err;
  EXPECT_EQ(run({"disclose", "c.h5", item, "--content", "3.py", "--salts", "lab.salts", "-o", "x"}).status,
            1);
}

TEST_F(EndToEnd, AProofVerifiesAloneAndDamageIsSeen) {
  ASSERT_EQ(run({"prove", "c.h5", "3", "-o", "3.proof"}).status, 0);
  const Ran ran = run({"verify", "3.proof", "--trust", "lab.key.pub"});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_NE(ran.out.find("experiments/3/program.py"), std::string::npos);
  EXPECT_EQ(run({"verify", "3.proof"}).status, 5);
  std::string damaged = test::slurp(path("3.proof"));
  damaged[damaged.size() / 2] = damaged[damaged.size() / 2] == 'a' ? 'b' : 'a';
  test::spill(path("bad.proof"), damaged);
  EXPECT_EQ(run({"verify", "bad.proof", "--trust", "lab.key.pub"}).status, 2);
  ASSERT_EQ(run({"prove", "c.h5", "--c2sp", "--key", "lab.key", "-o", "checkpoint", "-q"}).status, 0);
  EXPECT_TRUE(test::slurp(path("checkpoint")).starts_with("assay-bundle/" + root_ + "\n"));
}

TEST_F(EndToEnd, SignersAreTheSameInAnyOrder) {
  ASSERT_EQ(run({"key", "new", "second.key", "-q"}).status, 0);
  ASSERT_EQ(
      run({"seal", kSample, "--from", "assay", "-o", "two.h5", "--key", "lab.key", "--key", "second.key"})
          .status,
      0);
  ASSERT_EQ(run({"sign", "c.h5", "--key", "second.key", "-o", "signed.h5"}).status, 0);
  EXPECT_TRUE(test::slurp(path("two.h5")) == test::slurp(path("signed.h5")));
  ASSERT_EQ(run({"sign", "c.h5", "--key", "second.key", "--detached"}).status, 0);
  test::spill(path("trust-two"),
              test::slurp(path("trust")) + "bob@lab.example " + test::slurp(path("second.key.pub")));
  test::spill(path("policy"), R"({"threshold": 2})");
  const Ran alone = run({"verify", "c.h5", "--trust", "trust-two", "--policy", "policy"});
  EXPECT_EQ(alone.status, 2) << alone.out << alone.err;
  const Ran both =
      run({"verify", "c.h5", "--trust", "trust-two", "--policy", "policy", "--signature", "c.h5.sig.json"});
  EXPECT_TRUE(both.status == 0 || both.status == 3) << both.out << both.err;
  EXPECT_EQ(run({"verify", "c.h5", "--trust", "trust", "--signature", "policy"}).status, 2)
      << "no signature at all";
}

TEST_F(EndToEnd, SigningADamagedBundleIsRefused) {
  std::string bytes = test::slurp(path("c.h5"));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  test::spill(path("hurt.h5"), bytes);
  EXPECT_EQ(run({"sign", "hurt.h5", "--key", "lab.key", "-o", "hurt2.h5"}).status, 2);
  EXPECT_FALSE(fs::exists(path("hurt2.h5")));
}

TEST_F(EndToEnd, WithheldItemsNeedASecretAndVerify) {
  const Ran refused =
      run({"seal", kSample, "--from", "assay", "-o", "w.h5", "--key", "lab.key", "--withhold", "programs"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("--salts"), std::string::npos);
  ASSERT_EQ(run({"seal", kSample, "--from", "assay", "-o", "w.h5", "--key", "lab.key", "--withhold",
                 "programs", "--salts", "salts"})
                .status,
            0);
  const int status = run({"verify", "w.h5", "--trust", "trust"}).status;
  EXPECT_TRUE(status == 0 || status == 3) << status;
  EXPECT_EQ(run({"show", "w.h5", "3", "program"}).status, 1);
}

TEST_F(EndToEnd, WhatIsWithheldContradictsNothing) {
  for (const std::string kind :
       {"records", "experiments/0/experiment.json", "campaign", "metrics", "transcripts"}) {
    ASSERT_EQ(run({"seal", kSample, "--from", "assay", "-o", "w.h5", "--force", "--key", "lab.key",
                   "--withhold", kind, "--salts", "salts"})
                  .status,
              0)
        << kind;
    const Ran ran = run({"verify", "w.h5", "--trust", "trust"});
    EXPECT_EQ(ran.status, 0) << kind << "\n" << ran.out;
  }
}

TEST_F(EndToEnd, ADetachedSignatureOfAnExportIsOverWhatItsAuthorsSaid) {
  ASSERT_EQ(run({"key", "new", "export.key", "-q"}).status, 0);
  ASSERT_EQ(run({"export", "c.h5", "--without", "programs", "-o", "x.h5"}).status, 0);
  ASSERT_EQ(run({"sign", "x.h5", "--key", "export.key", "--detached"}).status, 0);
  test::spill(path("trust-two"),
              test::slurp(path("trust")) + "bob@lab.example " + test::slurp(path("export.key.pub")));
  test::spill(path("policy"), R"({"threshold": 2})");
  for (const std::string bundle : {"x.h5", "c.h5"}) {
    const Ran ran =
        run({"verify", bundle, "--trust", "trust-two", "--policy", "policy", "--signature", "x.h5.sig.json"});
    EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  }
}

TEST_F(EndToEnd, AnExportsFolderMayEndInASlash) {
  for (const std::string& name : {std::string("slash"), std::string("slash/"), std::string("slash//")}) {
    const Ran ran = run({"export", "c.h5", "-o", name});
    EXPECT_EQ(ran.status, 0) << name << ": " << ran.err;
    EXPECT_TRUE(fs::exists(path("slash/campaign.json")));
    fs::remove_all(path("slash"));
  }
}

TEST_F(EndToEnd, OptionsThatSayNothingOfAProofAreRefused) {
  ASSERT_EQ(run({"prove", "c.h5", "3", "-o", "options.proof"}).status, 0);
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"--decisions"}, {"--replay", "trust"}, {"--disclosed", "trust"}}) {
    std::vector<std::string> words = {"verify", "options.proof", "--trust", "lab.key.pub"};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = run(words);
    EXPECT_EQ(ran.status, 1);
    EXPECT_NE(ran.err.find(more[0] + " is for a bundle"), std::string::npos) << ran.err;
  }
}

TEST_F(EndToEnd, AReportIsWrittenAndFetchesNothing) {
  const Ran ran = run({"report", "c.h5", "-o", "report", "--trust", "trust"});
  EXPECT_TRUE(ran.status == 0 || ran.status == 3) << ran.err;
  const std::string page = test::slurp(path("report/index.html"));
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(test::slurp(path("report/report.md")).find(root_.substr(0, 4)), std::string::npos);
}

TEST_F(EndToEnd, ATimestampQueryIsARequest) {
  ASSERT_EQ(run({"timestamp", "query", "c.h5", "-q"}).status, 0);
  EXPECT_EQ(test::slurp(path("c.h5.tsq")).substr(0, 1), "\x30") << "a DER sequence";
  test::spill(path("nonsense"), "no reply");
  EXPECT_EQ(run({"timestamp", "attach", "c.h5", "nonsense"}).status, 1);
  EXPECT_FALSE(fs::exists(path("c.h5.tsr")));
}

#if ASSAY_HAS_GIT_STORE
TEST_F(EndToEnd, AnArchiveKeepsGenerations) {
  const std::string author = "Alice <alice@lab.example>";
  ASSERT_EQ(run({"archive", "init", "history"}).status, 0);
  ASSERT_EQ(run({"archive", "add", "history", "c.h5", "--key", "lab.key", "--author", author}).status, 0);
  const Ran again =
      run({"archive", "add", "history", "c.h5", "--key", "lab.key", "--author", author, "--json"});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_FALSE(document_of(again)["result"]["added"].boolean().value_or(true));
  EXPECT_NE(run({"archive", "log", "history"}).out.find(root_), std::string::npos);
  test::spill(path("trust-git"), "alice@lab.example " + test::slurp(path("lab.key.pub")));
  const Ran checked = run({"archive", "check", "history", "--trust", "trust-git"});
  EXPECT_EQ(checked.status, 0) << checked.out << checked.err;
  EXPECT_EQ(run({"verify", "history", "--trust", "trust-git"}).out, checked.out);
  EXPECT_EQ(run({"archive", "check", "history"}).status, 5);
  EXPECT_EQ(run({"archive", "add", "history", "c.h5", "--key", "lab.key"}, {"GIT_AUTHOR_NAME="}).status, 1)
      << "nobody is named";
}
#else
TEST_F(EndToEnd, WithoutTheGitStoreArchivesAreAClearError) {
  fs::create_directory(path("history"));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"archive", "log", "history"}, {"verify", "history"}}) {
    const Ran ran = run(words);
    EXPECT_EQ(ran.status, 1);
    EXPECT_NE(ran.err.find("hint: "), std::string::npos) << ran.err;
  }
}
#endif

TEST_F(EndToEnd, AFailureIsADocumentToo) {
  const Ran ran = run({"verify", "no-such-file", "--json"});
  EXPECT_EQ(ran.status, 1);
  const Json document = document_of(ran);
  EXPECT_EQ(document["error"]["kind"].string_or(""), "missing");
  EXPECT_TRUE(ran.err.starts_with("error: ")) << ran.err;
}

TEST_F(EndToEnd, NeitherPartialFilesNorSurprisesAreLeft) {
  for (const auto& entry : fs::directory_iterator(folder_->path()))
    EXPECT_EQ(entry.path().filename().string().find(".partial-"), std::string::npos) << entry.path();
}

TEST(AsiArch, ThePublishedCampaignSealsAndVerifies) {
  const char* named = std::getenv("ASSAY_SHARED");
  const fs::path source =
      (named ? fs::path(named) : fs::path(ASSAY_SOURCE_DIR) / "../shared") / "data/asi-arch";
  if (!fs::exists(source / "106.json")) GTEST_SKIP() << "no ASI-Arch data at " << source;
  const test::TemporaryFolder folder;
  ASSERT_EQ(run_assay({"key", "new", "k"}, folder.path()).status, 0);
  const Ran sealed = run_assay(
      {"seal", source.string(), "--from", "asi-arch", "-o", "a.h5", "--key", "k", "--json"}, folder.path());
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  EXPECT_EQ(document_of(sealed)["result"]["experiments"].natural().value_or(0), 1772u);
  const Ran verified = run_assay({"verify", "a.h5", "--trust", "k.pub", "--json"}, folder.path());
  EXPECT_TRUE(verified.status == 0 || verified.status == 3) << verified.err;
  EXPECT_EQ(document_of(verified)["result"]["intact"]["verdict"].string_or(""), "yes");
}

}  // namespace
}  // namespace assay::cli
