// An archive in a folder of its own, a signer, and generations that are no bundles: the store does not look
// inside.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "archives/git/check.hpp"
#include "archives/git/generation.hpp"
#include "archives/git/layout.hpp"
#include "archives/git/lfs.hpp"
#include "archives/git/store.hpp"
#include "formats/keys.hpp"
#include "tests/support/run_program.hpp"

namespace assay::archives::git::test {

using assay::test::Ran;
using assay::test::run_program;
using assay::test::TemporaryFolder;

inline bool have(const std::string& tool) {
  return run_program({"sh", "-c", "command -v " + tool}).status == 0;
}

#define NEEDS(tool) \
  if (!have(tool)) GTEST_SKIP() << "SKIPPED: needs " << (tool) << ", which is not installed here"

inline constexpr std::int64_t kWhen = 1'800'000'000;

inline Identity author(std::int64_t when = kWhen) { return {"A. Author", "author@example.org", when}; }

/// Reads every text, and looks no further.
inline Status read_every_text(const GenerationView& view, const FindingSink&) {
  for (const TreeFile& file : view.texts)
    ASSAY_TRY(view.repository->read(file.entry.oid, ObjectType::blob, 1 << 20));
  return {};
}

/// A fake generation: its text decides its root.
struct Fake {
  std::string title = "Example campaign", content, supersedes;
  std::uint64_t generation = 1;
  std::map<std::string, std::string> texts;

  std::string root() const { return sha256(content).hex(); }
};

inline Fake first_generation() {
  return {"Example campaign",
          std::string(100'000, 'x') + "one",
          "",
          1,
          {{"manifest.txt", "one\n"},
           {"programs/experiments/1/program.py", "print(1)\n"},
           {"programs/experiments/2/program.py", "print(2)\n"}}};
}
inline Fake second_generation() {
  Fake fake = first_generation();
  fake.content += "two", fake.supersedes = first_generation().root(), fake.generation = 2;
  fake.texts["manifest.txt"] = "two\n";
  fake.texts["programs/experiments/1/program.py"] = "print(3)\n";
  fake.texts.erase("programs/experiments/2/program.py");
  return fake;
}

class Archive {
 public:
  Archive() {
    const auto key = formats::create_key(folder_ / "key", "author@example.org", false);
    if (key) spill_signers(*key);
    auto loaded = formats::load_signer(folder_ / "key");
    if (loaded) signer_ = std::move(*loaded);
  }
  fs::path path() const { return folder_.path() / "archive"; }
  fs::path folder() const { return folder_.path(); }
  fs::path signers() const { return folder_.path() / "allowed_signers"; }
  const formats::Signer& signer() const { return *signer_; }

  Result<InitReport> start() const { return init(path(), signer_.get(), author()); }
  Result<AddReport> put(const Fake& fake, std::optional<std::string> tag = {},
                        std::optional<std::string> message = {},
                        std::optional<std::string> campaign = {}) const {
    AddOptions options{author(), tag, message, campaign};
    return put(fake, options);
  }
  Result<AddReport> put(const Fake& fake, const AddOptions& options) const {
    const fs::path file = folder_.path() / ("bundle-" + fake.root().substr(0, 8));
    ASSAY_TRY(write_file(file, fake.content, Existing::replace));
    GitRepository repository = ASSAY_TRY(GitRepository::open(path()));
    const WriterLock lock = ASSAY_TRY(WriterLock::take(repository.git_dir()));
    const Fd fd = ASSAY_TRY(open_read(file));
    GenerationInput input{fake.root(), fake.supersedes, fake.generation, fake.title, {}};
    input.texts = [&](const TextSink& sink) -> Status {
      for (const auto& [name, text] : fake.texts) ASSAY_TRY(sink(name, text));
      return {};
    };
    return add_generation(repository, lock, fd.get(), input, *signer_, options);
  }
  /// Reads every text and looks no further.
  std::vector<formats::Finding> findings(const formats::Trust* trust = nullptr,
                                         std::int64_t now = kWhen) const {
    const auto repository = GitRepository::open(path());
    EXPECT_TRUE(repository.ok());
    const auto report = check_history(*repository, trust, now, read_every_text);
    EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().what);
    return report.ok() ? report->findings : std::vector<formats::Finding>();
  }
  /// Stock git, with no configuration but what is said here.
  Ran git(std::vector<std::string> words, const std::string& where = "archive") const {
    const std::vector<std::string> start = {"git",
                                            "-c",
                                            "gpg.format=ssh",
                                            "-c",
                                            "gpg.ssh.allowedSignersFile=" + signers().string(),
                                            "-c",
                                            "user.name=Stock",
                                            "-c",
                                            "user.email=stock@example.org",
                                            "-c",
                                            "filter.lfs.clean=git-lfs clean -- %f",
                                            "-c",
                                            "filter.lfs.smudge=git-lfs smudge -- %f",
                                            "-c",
                                            "filter.lfs.process=git-lfs filter-process",
                                            "-c",
                                            "filter.lfs.required=true"};
    words.insert(words.begin(), start.begin(), start.end());
    return run_program(words, folder_.path() / where,
                       {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
                        "HOME=" + folder_.path().string(), "GIT_CONFIG_COUNT=0", "GIT_TERMINAL_PROMPT=0"});
  }

 private:
  void spill_signers(const formats::PublicKey& key) {
    assay::test::spill(signers(), "author@example.org namespaces=\"git\" " + key.line() + "\n");
  }
  TemporaryFolder folder_;
  std::unique_ptr<formats::Signer> signer_;
};

inline std::string codes(const std::vector<formats::Finding>& findings) {
  std::string out;
  for (const auto& finding : findings) out += (out.empty() ? "" : " ") + finding.code;
  return out;
}
inline std::string texts(const std::vector<formats::Finding>& findings) {
  std::string out;
  for (const auto& finding : findings)
    out += finding.code + " " + finding.subject + ": " + finding.text + " [" + finding.expected + " | " +
           finding.found + "]\n";
  return out;
}

template <typename T>
std::string why(const Result<T>& result) {
  return result.ok() ? "" : result.error().what + " (" + result.error().where + ") " + result.error().hint;
}

}  // namespace assay::archives::git::test
