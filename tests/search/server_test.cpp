#include "replay/search/server.hpp"

#include <algorithm>
#include <future>
#include <mutex>

#include <gtest/gtest.h>

namespace assay::search {
namespace {

const std::string kToken = "0123456789abcdef";

class Client {
 public:
  explicit Client(const Server& server) : port_(server.port()) {
    auto fd = connect_to("127.0.0.1", port_, after(20));
    if (fd) stream_ = stream_over(*std::move(fd));
  }
  std::string head(const std::string& token, std::size_t length) const {
    return "POST /" + token + "/openai/chat HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) +
           "\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
  }
  Status send(std::string_view bytes) { return stream_->write(bytes, after(20)); }
  /// Of the next answer, which is read to its end; 0 where the connection ends first.
  int status() {
    HttpReader reader(HttpReader::Kind::answer, {});
    char bytes[4096];
    while (!reader.done()) {
      const auto got = stream_->read(bytes, sizeof bytes, after(20));
      if (!got || *got == 0 || !reader.feed({bytes, *got}).ok()) return 0;
    }
    return reader.head().status;
  }

 private:
  std::uint16_t port_;
  std::unique_ptr<Stream> stream_;
};

void say_ok(const ChildRequest&, ChildAnswer& answer) { static_cast<void>(answer.whole(200, {}, "ok").ok()); }

std::unique_ptr<Server> server(ServerLimits limits, Server::Handler handler = say_ok) {
  auto listener = listen_on_loopback(0);
  return std::make_unique<Server>(*std::move(listener), kToken, std::set<std::string>{"openai"}, limits,
                                  std::move(handler));
}

TEST(Server, AStrangerIsToldSoBeforeABodyIsTaken) {
  const auto serving = server({});
  Client stranger(*serving);
  ASSERT_TRUE(stranger.send(stranger.head("fedcba9876543210", 50'000'000)).ok());
  EXPECT_EQ(stranger.status(), 403);
}

TEST(Server, AStrangerThatSendsItsBodyReadsTheAnswer) {
  const auto serving = server({});
  Client stranger(*serving);
  ASSERT_TRUE(stranger.send(stranger.head("fedcba9876543210", 8'000'000)).ok());
  ASSERT_TRUE(stranger.send(std::string(8'000'000, 'x')).ok());
  EXPECT_EQ(stranger.status(), 403);
}

TEST(Server, BodiesOnTheirWayAreCountedTogether) {
  ServerLimits limits;
  limits.buffered = 1'000'000;
  std::promise<void> reached, go_on;
  const auto serving = server(limits, [&](const ChildRequest& request, ChildAnswer& answer) {
    if (request.body.starts_with("wait")) {
      reached.set_value();
      go_on.get_future().wait();
    }
    static_cast<void>(answer.whole(200, {}, "ok").ok());
  });
  const std::string much(700'000, 'x');
  Client first(*serving), second(*serving);
  ASSERT_TRUE(first.send(first.head(kToken, 700'004) + "wait" + much).ok());
  reached.get_future().wait();
  // A part of it is enough to see that there is no room.
  ASSERT_TRUE(second.send(second.head(kToken, 800'000) + much).ok());
  EXPECT_EQ(second.status(), 503);
  go_on.set_value();
  EXPECT_EQ(first.status(), 200);
  for (int i = 0; i < 3; ++i) {  // what was taken is given back
    ASSERT_TRUE(first.send(first.head(kToken, 700'000) + much).ok());
    EXPECT_EQ(first.status(), 200);
  }
}

ServerLimits early() {
  ServerLimits limits;
  limits.early = true;
  return limits;
}

TEST(Server, ALargeRequestIsHandedOverWhileItComesIn) {
  std::promise<void> handed_over;
  std::string body;
  std::uint64_t announced = 0, whole = 0;
  const auto serving = server(early(), [&](ChildRequest request, ChildAnswer& answer) {
    announced = request.body_size();
    if (request.to_come) handed_over.set_value();
    request.on_whole = [&] { ++whole; };
    ASSERT_TRUE(request.finish().ok());
    EXPECT_EQ(request.to_come, nullptr);
    body = request.body;
    static_cast<void>(answer.whole(200, {}, "ok").ok());
  });
  std::string large(3'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1000) large[i] = static_cast<char>('a' + i / 1000 % 26);
  Client client(*serving);
  ASSERT_TRUE(client.send(client.head(kToken, large.size()) + large.substr(0, 10)).ok());
  handed_over.get_future().wait();
  ASSERT_TRUE(client.send(std::string_view(large).substr(10)).ok());
  EXPECT_EQ(client.status(), 200);
  EXPECT_EQ(announced, large.size());
  EXPECT_TRUE(body == large);
  EXPECT_EQ(whole, 1u);
  // The connection goes on with the next one.
  ASSERT_TRUE(client.send(client.head(kToken, 4) + "next").ok());
  EXPECT_EQ(client.status(), 200);
  EXPECT_EQ(body, "next");
}

TEST(Server, ASenderIsNotBlamedForWhoeverTakesItsBody) {
  ServerLimits limits = early();
  limits.body_seconds = 0.5;
  const auto serving = server(limits, [](ChildRequest request, ChildAnswer& answer) {
    std::this_thread::sleep_for(std::chrono::milliseconds(900));
    ASSERT_TRUE(request.finish().ok());
    static_cast<void>(answer.whole(200, {}, "ok").ok());
  });
  Client client(*serving);
  std::string more_than_buffers_hold = client.head(kToken, 20'000'000);
  more_than_buffers_hold.resize(more_than_buffers_hold.size() + 20'000'000, 'x');
  ASSERT_TRUE(client.send(more_than_buffers_hold).ok());
  EXPECT_EQ(client.status(), 200);
}

TEST(Server, ARequestWhoseBodyWasNotTakenEndsItsConnection) {
  const auto serving = server(early());
  Client client(*serving);
  ASSERT_TRUE(client.send(client.head(kToken, 2'000'000) + "x").ok());
  EXPECT_EQ(client.status(), 200);
  EXPECT_EQ(client.status(), 0);
}

TEST(Server, WhatEndsALargeRequestEarlyIsSaidAgain) {
  ServerLimits limits = early();
  limits.buffered = 2'500'000;
  std::vector<std::string> said;
  std::mutex mutex;
  const auto serving = server(limits, [&](ChildRequest request, ChildAnswer&) {
    const Status first = request.finish(), second = request.finish();
    ASSERT_FALSE(first.ok() || second.ok());
    EXPECT_EQ(first.error().what, second.error().what);
    EXPECT_TRUE(request.to_come && request.to_come->broken());
    const std::lock_guard lock(mutex);
    said.push_back(first.error().what);
  });
  {
    Client cut(*serving);
    ASSERT_TRUE(cut.send(cut.head(kToken, 2'000'000) + std::string(1'000'000, 'x')).ok());
  }
  Client large(*serving);
  ASSERT_TRUE(large.send(large.head(kToken, 3'000'000) + std::string(2'900'000, 'x')).ok());
  EXPECT_EQ(large.status(), 503);
  serving->stop();
  std::sort(said.begin(), said.end());
  EXPECT_EQ(said, (std::vector<std::string>{"the request ended early", "too much is on its way at once"}));
}

}  // namespace
}  // namespace assay::search
