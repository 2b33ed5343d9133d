// A model as the proposer: asked once, answered from the journal ever after; its programs may fail, its key
// is nowhere.
#include <atomic>

#include <gmock/gmock.h>

#include "replay/search/server.hpp"
#include "tests/own/search_fixture.hpp"

namespace assay {
namespace {

using test::Ran;
using testing::HasSubstr;

constexpr const char* kKey = "sk-a-key-that-must-not-stay";

// An OpenAI-compatible server whose answer is a function of the request.
class StandIn {
 public:
  StandIn()
      : server_(*search::listen_on_loopback(0), "token", {"model"}, {},
                [this](const search::ChildRequest& request, search::ChildAnswer& answer) {
                  handle(request, answer);
                }) {}

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()) + "/token/model"; }
  int asked() const { return asked_; }

 private:
  void handle(const search::ChildRequest& request, search::ChildAnswer& answer) {
    const std::string number = std::to_string(asked_++);
    const std::string* key = formats::find_header(request.headers, "authorization");
    const Json body = *Json::parse(request.body);
    const bool right = key && *key == "Bearer " + std::string(kKey) &&
                       request.target == "/chat/completions" && body["model"].string_or("") == "stand-in";
    const std::string trick = body["seed"].natural().value_or(0) % 3 == 0 ? "fake: exception 3" : "plain";
    const std::string text = "<name>design " + sha256(request.body).hex().substr(0, 6) +
                             "</name><motivation>it says " + kKey +
                             "</motivation>\n<program>\n```python\n# " + trick + " " +
                             sha256(request.body).hex() + "\nclass DeltaNet: pass\n```\n</program>";
    const Json message = Json::object({{"role", "assistant"}, {"content", text}});
    const Json json =
        Json::object({{"model", "stand-in-1"},
                      {"choices", Json(Json::Array{Json::object({{"index", 0}, {"message", message}})})}});
    static_cast<void>(
        answer.whole(right ? 200 : 400, {{"Content-Type", "application/json"}}, json.dump()).ok());
  }
  std::atomic<int> asked_{0};
  search::Server server_;
};

class Model : public test::SearchTest {
 protected:
  void SetUp() override {
    write("search.json", recipe({{"proposer", R"({"name": "model", "model": "stand-in"})"},
                                 {"lag", "2"},
                                 {"sampler", R"({"name": "pool"})"}}));
  }
  Ran ask(const std::string& run, const std::string& url) {
    return assay({"search", "search.json", "-o", run, "--upstream", "stand-in=" + url, "--jobs", "2"},
                 {std::string("STAND_IN_API_KEY=") + kKey});
  }
};

TEST_F(Model, IsAskedOnceAndAnsweredFromTheJournalAfter) {
  StandIn server;
  const Ran ran = ask("run", server.url());
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(server.asked(), 6);
  const auto record = *formats::read_search(path("run"));
  std::size_t failed = 0;
  for (const auto* outcome : record.outcomes()) {
    if (outcome->state != formats::Outcome::State::failed) continue;
    ++failed;
    EXPECT_EQ(outcome->failure, "forward");
    EXPECT_EQ(outcome->line, 12u);
  }
  EXPECT_GE(failed, 1u);
  EXPECT_LT(failed, 6u);
  EXPECT_THAT(record.proposals()[0]->name, HasSubstr("design "));
  EXPECT_EQ(file("run/journal").find(kKey), std::string::npos);
  EXPECT_THAT(record.proposals()[0]->motivation, HasSubstr("REDACTED-STAND_IN_API_KEY"));
  const Ran again = assay({"replay", "run", "--search"});
  EXPECT_EQ(again.status, 0) << again.out << again.err;

  // Killed after any record: the answers that are there are not asked for again, with the same result.
  const std::string journal = file("run/journal"), root_before = root("run");
  for (const std::size_t left : {journal.size() / 4, journal.size() / 2}) {
    fs::remove_all(path("run"));
    fs::create_directories(path("run"));
    write("run/recipe.json", record.recipe.canonical());
    write("run/journal", journal.substr(0, left));
    const int before = server.asked();
    const Ran resumed = ask("run", server.url());
    ASSERT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_LT(server.asked() - before, 6);
    EXPECT_EQ(root("run"), root_before);
  }
}

TEST_F(Model, SaysWhatIsWrongWithItsServer) {
  EXPECT_THAT(assay({"search", "search.json", "-o", "run"}).err, HasSubstr("--upstream NAME=URL"));
  StandIn server;
  const Ran wrong = assay({"search", "search.json", "-o", "run", "--upstream", "stand-in=" + server.url()});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.err, HasSubstr("the model server answered with status 400"));
  EXPECT_EQ(ask("run", server.url()).status, 0);
}

}  // namespace
}  // namespace assay
