#include "replay/search/answerer.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace assay::search {
namespace {

// A connection whose other side is this test.
class Kept final : public Stream {
 public:
  Result<std::size_t> read(char*, std::size_t, Deadline) override { return std::size_t{0}; }
  Status write(std::string_view bytes, Deadline) override {
    text += bytes;
    return {};
  }
  int fd() const override { return -1; }
  std::string text;
};

formats::Exchange exchange(std::uint64_t number, const std::string& request,
                           const std::string& target = "/chat") {
  formats::Exchange one;
  one.number = number;
  one.upstream = "openai";
  one.method = "POST";
  one.target = target;
  one.request = request;
  one.response = "to " + request;
  one.status = 200;
  return one;
}

struct Answered {
  std::string text;  // all that was sent; empty: nothing
  bool finished = false;
  std::string body() const { return text.substr(std::min(text.size(), text.rfind("\r\n\r\n") + 4)); }
};

Answered ask(Answerer& answerer, const std::string& request, const std::string& target = "/chat") {
  Kept stream;
  ChildAnswer answer(stream, true, 11, false, 5);
  answerer.handle({"openai", "POST", target, {}, request}, answer);
  return {stream.text, answer.finished()};
}

struct Asking {
  Asking(Answerer& answerer, const std::string& request)
      : thread([this, &answerer, request] {
          got = ask(answerer, request);
          back = true;
        }) {}
  Answered wait() {
    thread.join();
    return got;
  }
  Answered got;
  std::atomic<bool> back = false;
  std::thread thread;
};

RunFolder run_of(std::initializer_list<formats::Exchange> exchanges) {
  RunFolder run;
  run.exchanges = exchanges;
  return run;
}

constexpr auto kStop = OnDivergence::stop;

TEST(Answerer, AnswersWhatWasRecorded) {
  const RunFolder run = run_of({exchange(1, "a"), exchange(2, "b")});
  Answerer answerer(run, std::nullopt, kStop, 0);
  const Answered first = ask(answerer, "a");
  EXPECT_TRUE(first.finished);
  EXPECT_TRUE(first.text.starts_with("HTTP/1.1 200"));
  EXPECT_EQ(first.body(), "to a");
  EXPECT_EQ(ask(answerer, "b").body(), "to b");
  EXPECT_EQ(answerer.answered(), 2u);
  EXPECT_FALSE(answerer.divergence());
  EXPECT_FALSE(answerer.over());
}

TEST(Answerer, EqualRequestsGetTheirAnswersInOrderOfArrival) {
  formats::Exchange one = exchange(1, "a"), two = exchange(2, "a");
  one.response = "first";
  two.response = "second";
  const RunFolder run = run_of({one, two});
  Answerer answerer(run, std::nullopt, kStop, 0);
  EXPECT_EQ(ask(answerer, "a").body(), "first");
  EXPECT_EQ(ask(answerer, "a").body(), "second");
}

TEST(Answerer, AnswersGoOutInTheRecordedOrder) {
  const RunFolder run =
      run_of({exchange(2, "late"), exchange(1, "early")});  // the second to come was answered first
  Answerer answerer(run, std::nullopt, kStop, 0);
  Asking early(answerer, "early");
  while (answerer.waiting() == 0) std::this_thread::yield();
  EXPECT_FALSE(early.back);
  EXPECT_EQ(answerer.answered(), 0u);
  EXPECT_EQ(ask(answerer, "late").body(), "to late");
  EXPECT_EQ(early.wait().body(), "to early");
  EXPECT_EQ(answerer.answered(), 2u);
}

TEST(Answerer, ManyAtOnceEachGetTheirOwn) {
  RunFolder run;
  constexpr std::uint64_t kMany = 40;
  for (std::uint64_t i = 0; i < kMany; ++i) run.exchanges.push_back(exchange(kMany - i, std::to_string(i)));
  Answerer answerer(run, std::nullopt, kStop, 0);
  std::vector<std::unique_ptr<Asking>> asking;
  for (std::uint64_t i = kMany; i-- > 0;)
    asking.push_back(std::make_unique<Asking>(answerer, std::to_string(i)));
  for (std::uint64_t i = 0; i < kMany; ++i)
    EXPECT_EQ(asking[i]->wait().body(), "to " + std::to_string(kMany - 1 - i));
  EXPECT_EQ(answerer.answered(), kMany);
  EXPECT_FALSE(answerer.divergence());
}

TEST(Answerer, ARequestThatTheRecordDoesNotHave) {
  const RunFolder run = run_of({exchange(1, "a"), exchange(2, "b"), exchange(3, "c")});
  Answerer answerer(run, std::nullopt, kStop, 0);
  ask(answerer, "a");
  EXPECT_EQ(ask(answerer, "other").text, "");
  const auto found = answerer.divergence();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Divergence::Kind::request);
  EXPECT_EQ(found->answered, 1u);
  EXPECT_EQ(found->recorded->number, 2u);
  EXPECT_EQ(found->asked->request, "other");
  EXPECT_FALSE(found->same_as);
  EXPECT_TRUE(answerer.over());
  EXPECT_EQ(ask(answerer, "b").text, "") << "nothing is answered after it";
}

TEST(Answerer, ARequestOnceMoreIsNamedAsThat) {
  const RunFolder run = run_of({exchange(1, "a"), exchange(2, "b")});
  Answerer answerer(run, std::nullopt, kStop, 0);
  ask(answerer, "a");
  ask(answerer, "a");
  ASSERT_TRUE(answerer.divergence());
  EXPECT_EQ(answerer.divergence()->same_as, 1u);
}

TEST(Answerer, UntilAnswersNothingMore) {
  const RunFolder run = run_of({exchange(1, "a"), exchange(2, "b"), exchange(3, "c")});
  Answerer answerer(run, std::nullopt, kStop, 2);
  ask(answerer, "a");
  EXPECT_FALSE(answerer.over());
  ask(answerer, "b");
  EXPECT_TRUE(answerer.over());
  EXPECT_EQ(ask(answerer, "c").text, "");
  EXPECT_EQ(ask(answerer, "what was never asked").text, "");
  EXPECT_FALSE(answerer.divergence()) << "what comes after it is not compared";
  EXPECT_EQ(answerer.answered(), 2u);
}

TEST(Answerer, UntilTheEndIsNotOver) {
  const RunFolder run = run_of({exchange(1, "a")});
  Answerer answerer(run, std::nullopt, kStop, 9);
  ask(answerer, "a");
  EXPECT_FALSE(answerer.over()) << "the program may go on to its own end";
}

TEST(Answerer, NearestTakesTheFirstOpenOneOfThatPlace) {
  const RunFolder run = run_of({exchange(1, "a", "/embeddings"), exchange(2, "b"), exchange(3, "c")});
  Answerer answerer(run, std::nullopt, OnDivergence::nearest, 0);
  EXPECT_EQ(ask(answerer, "other").body(), "to b");
  EXPECT_EQ(answerer.substituted(), 1u);
  EXPECT_EQ(ask(answerer, "c").body(), "to c") << "there is no order any more";
  EXPECT_EQ(ask(answerer, "one more").body(), "to a") << "of another place, where that is all there is";
  EXPECT_EQ(ask(answerer, "and another").text, "");
  EXPECT_FALSE(answerer.over());
  EXPECT_EQ(answerer.divergence()->asked->request, "other") << "the first one";
}

TEST(Answerer, ABrokenAnswerBreaksAgain) {
  formats::Exchange cut = exchange(1, "a");
  cut.error = "the upstream broke off";
  const RunFolder run = run_of({cut});
  Answerer answerer(run, std::nullopt, kStop, 0);
  const Answered got = ask(answerer, "a");
  EXPECT_EQ(got.body(), "to a");
  EXPECT_FALSE(got.finished);
}

TEST(Answerer, StreamedAnswersKeepTheirChunks) {
  formats::Exchange streamed = exchange(1, "a");
  streamed.streamed = true;
  streamed.response = "abcd";
  streamed.chunks = {3, 1};
  const RunFolder run = run_of({streamed});
  Answerer answerer(run, std::nullopt, kStop, 0);
  EXPECT_TRUE(ask(answerer, "a").text.ends_with("\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"));
}

TEST(Answerer, StopLetsWaitersGo) {
  const RunFolder run = run_of({exchange(1, "a"), exchange(2, "b")});
  Answerer answerer(run, std::nullopt, kStop, 0);
  Asking second(answerer, "b");
  while (answerer.waiting() == 0) std::this_thread::yield();
  answerer.stop();
  EXPECT_EQ(second.wait().text, "");
}

}  // namespace
}  // namespace assay::search
