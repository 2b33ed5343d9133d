// One thing altered in a sealed run, with all that follows from it made to fit: the real runner finds it and
// names it, at the step where it first shows.
#include <gmock/gmock.h>

#include "tests/replay/real_runner.hpp"

namespace assay {
namespace {

using test::Ran;
using testing::HasSubstr;
using Rows = std::vector<formats::TraceRow>;

class Altered : public test::RealRunner {
 protected:
  void SetUp() override {
    RealRunner::SetUp();
    if (IsSkipped()) return;
    const Ran train = train_real("run");
    ASSERT_EQ(train.status, 0) << train.err;
    fs::copy(path("run"), path("good"), fs::copy_options::recursive);
    seal_real();
  }
  void alter(const std::function<void(formats::Run&, Rows&)>& change,
             const std::function<void(std::uint64_t, std::string&)>& checkpoint = {}) {
    fs::remove_all(path("run"));
    fs::copy(path("good"), path("run"), fs::copy_options::recursive);
    test::forge(path("run"), change, checkpoint);
    seal_real();
  }
  std::string replay(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"replay", "run.h5",      "run",        "--threads",
                                      "1",      "--no-bisect", "--no-probes"};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = real(words);
    EXPECT_EQ(ran.status, 4) << ran.out << ran.err;
    return ran.out;
  }
};

TEST_F(Altered, TheTrace) {
  alter([](formats::Run&, Rows& rows) { rows[6].loss ^= 1; });
  EXPECT_THAT(replay(), HasSubstr("differs   at step 7: loss\n"));
  alter([](formats::Run&, Rows& rows) { rows[4].grad_norm ^= 0x100; });
  EXPECT_THAT(replay({"--jobs", "2"}), HasSubstr("differs   at step 5: gradient norm\n"));
  alter([](formats::Run&, Rows& rows) { rows[5].root = sha256("another"); });
  EXPECT_THAT(replay(), HasSubstr("differs   at step 6: state root\n"));
}

// The first step has the same loss: the rate acts on the weights after it.
TEST_F(Altered, TheRecipe) {
  alter([](formats::Run& run, Rows&) { run.recipe.optimizer.lr *= 1.001; });
  EXPECT_THAT(replay(), HasSubstr("differs   at step 2: "));
  alter([](formats::Run& run, Rows&) { run.recipe.task.seed += 1; });
  EXPECT_THAT(replay(), HasSubstr("differs   before the first step: data"));
  alter([](formats::Run& run, Rows&) { run.recipe.seed += 1; });
  EXPECT_THAT(replay(), HasSubstr("differs   before the first step: state root"));
}

TEST_F(Altered, TheProgram) {
  alter([](formats::Run& run, Rows&) { (*run.program)[run.program->find("/ 16")] = '*'; });
  EXPECT_THAT(replay(), HasSubstr("differs   at step 1: "));
  // A byte that no number depends on is another program all the same: its hash is in the chain.
  fs::remove_all(path("run"));
  fs::copy(path("good"), path("run"), fs::copy_options::recursive);
  write("run/program.py", file("good/program.py") + "#\n");
  const Ran seal = real({"seal", "run", "--from", "run", "--key", "key", "--force", "-o", "run.h5"});
  EXPECT_NE(seal.status, 0);
  EXPECT_THAT(seal.err, HasSubstr("program")) << seal.err;
}

// One bit of a sealed state: the segment before it does not end there, and the one after it does not go on as
// the trace says.
TEST_F(Altered, ACheckpoint) {
  const auto flip = [](std::string& bytes) {
    bytes[bytes.size() - 2] ^= 0x10;
  };  // of the last tensor, a parameter
  const std::string name = "run/checkpoints/" + formats::checkpoint_file(8);
  std::string bytes = file(name);
  flip(bytes);
  write(name, bytes);
  const auto altered = formats::read_state(path(name));
  ASSERT_TRUE(altered.ok());
  const Ran refused = real({"seal", "run", "--from", "run", "--key", "key", "--force", "-o", "run.h5"});
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(refused.err, HasSubstr("step-00000008")) << refused.err;
  alter([&](formats::Run&, Rows& rows) { rows[7].root = altered->root; },
        [&](std::uint64_t step, std::string& state) {
          if (step == 8) flip(state);
        });
  EXPECT_THAT(replay({"--segment", "2/3"}), HasSubstr("differs   at step 8: state root (tensor parameter/"));
  EXPECT_THAT(replay({"--segment", "3/3"}),
              testing::AnyOf(HasSubstr("differs   at step 9: "), HasSubstr("differs   at step 10: ")));
}

TEST_F(Altered, TheData) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += static_cast<char>(i * 7 % 60);
  write("data.bin", text);
  std::string recipe = file("recipe.json");
  recipe.replace(recipe.find("\"copy\""), 6, "\"bytes\"");
  write("recipe.json", recipe);
  const Ran train = train_real("on-data", {"--data", "text=data.bin"});
  ASSERT_EQ(train.status, 0) << train.err;
  seal_real("on-data");
  text[200] ^= 1;
  write("other.bin", text);
  const Ran other = real({"replay", "run.h5", "on-data", "--data", "text=other.bin"});
  EXPECT_EQ(other.status, 1) << other.out;
  EXPECT_THAT(other.err, HasSubstr("not the data of the recipe: expected SHA-256")) << other.err;
  // With the hash in the recipe made to fit, too.
  test::forge(path("on-data"),
              [&](formats::Run& run, Rows&) { run.recipe.task.files["text"] = sha256(text); });
  seal_real("on-data");
  const Ran forged = real({"replay", "run.h5", "on-data", "--data", "text=other.bin", "--no-bisect"});
  EXPECT_EQ(forged.status, 4) << forged.err;
  EXPECT_THAT(forged.out, HasSubstr("differs   before the first step: data")) << forged.out;
}

}  // namespace
}  // namespace assay
