// The store as the program reaches it: through the module.
#include "archives/git_loader.hpp"
#include "archives/git_module.hpp"
#include "tests/git/archive_fixture.hpp"

namespace assay::archives::git::test {
namespace {

const fs::path kModule = fs::path(ASSAY_BINARY_DIR) / kGitModuleFile;

Result<Json> call(std::string_view operation, const Json& request) {
  return call_git_store(operation, request, kModule);
}

class Module : public ::testing::Test {
 protected:
  Json request() const {
    return Json::object({{"path", archive_.path().string()},
                         {"key", (archive_.folder() / "key").string()},
                         {"name", "A. Author"},
                         {"email", "author@example.org"},
                         {"when", kWhen}});
  }
  Archive archive_;
};

TEST_F(Module, InitLogAndCheck) {
  const auto made = call("init", request());
  ASSERT_TRUE(made.ok()) << why(made);
  EXPECT_TRUE((*made)["created"].boolean().value_or(false));
  EXPECT_EQ((*made)["commit"].string_or("").size(), 40u);
  ASSERT_TRUE(archive_.put(first_generation()).ok());
  const auto log = call("log", request());
  ASSERT_TRUE(log.ok()) << why(log);
  ASSERT_EQ((*log)["generations"].size(), 1u);
  EXPECT_EQ((*log)["generations"].items()[0]["signer"].string_or(""),
            archive_.signer().public_key().fingerprint());
  Json with_trust = request();
  with_trust.set("trust", Json::object({{"allowed_signers", assay::test::slurp(archive_.signers())}}));
  const auto checked = call("check", with_trust);
  ASSERT_TRUE(checked.ok()) << why(checked);
  EXPECT_EQ((*checked)["signers"].items()[0]["principal"].string_or(""), "author@example.org");
  EXPECT_GT((*checked)["findings"].size(), 0u);  // the fake generation is no bundle
}

// Long work is told of across the border, and from the confined child that does it.
TEST_F(Module, ReportsItsProgress) {
  struct : Progress {
    void stage(std::string_view what, std::uint64_t size, std::string_view) override {
      stages.emplace_back(what);
      total = size;
    }
    void update(std::uint64_t at) override { done = at; }
    std::vector<std::string> stages;
    std::uint64_t total = 0, done = 0;
  } progress;
  ASSERT_TRUE(call("init", request()).ok());
  ASSERT_TRUE(archive_.put(first_generation()).ok());
  ASSERT_TRUE(call_git_store("check", request(), kModule, progress).ok());
  EXPECT_EQ(progress.stages, std::vector<std::string>{"hashing generation 1 of 1"});
  EXPECT_GT(progress.total, 0u);
  EXPECT_EQ(progress.done, progress.total);
}

TEST_F(Module, ErrorsComeBackWhole) {
  const auto refused = call("log", Json::object({{"path", "/nowhere/at/all"}}));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().fault, Fault::missing);
  EXPECT_EQ(refused.error().where, "/nowhere/at/all");
  EXPECT_NE(refused.error().hint, "");
  EXPECT_EQ(call("dance", Json::object()).error().fault, Fault::usage);
}

TEST(ModuleLoading, AnAbsentOrForeignModuleIsAClearError) {
  const auto absent = call_git_store("log", Json::object(), "/nowhere/assay_git.so");
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().fault, Fault::missing);
  EXPECT_NE(absent.error().hint.find("ASSAY_ARCHIVES"), std::string::npos);
  const auto foreign = call_git_store("log", Json::object(), "libz.so.1");
  ASSERT_FALSE(foreign.ok());
  EXPECT_NE(foreign.error().what.find("not a git store"), std::string::npos);
}

}  // namespace
}  // namespace assay::archives::git::test
