#include "replay/search/server.hpp"

#include <future>

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

}  // namespace
}  // namespace assay::search
