#include "replay/search/http.hpp"

#include <gtest/gtest.h>

#include "replay/search/upstream.hpp"

namespace assay::search {
namespace {

using Kind = HttpReader::Kind;

Status feed_all(HttpReader& reader, const std::string& text, std::size_t piece) {
  for (std::size_t at = 0; at < text.size(); at += piece)
    ASSAY_TRY(reader.feed(std::string_view(text).substr(at, piece)));
  return {};
}

TEST(HttpReader, ARequestInPiecesOfAnySize) {
  const std::string text = "POST /t/openai/chat?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    HttpReader reader(Kind::request, {});
    ASSERT_TRUE(feed_all(reader, text, piece).ok()) << piece;
    ASSERT_TRUE(reader.done());
    EXPECT_EQ(reader.head().method, "POST");
    EXPECT_EQ(reader.head().target, "/t/openai/chat?a=b");
    EXPECT_EQ(reader.head().length, 5u);
    EXPECT_TRUE(reader.head().keep_alive);
    EXPECT_EQ(reader.take_body(), "hello");
    EXPECT_EQ(reader.take_rest(), "");
  }
}

TEST(HttpReader, ChunksKeepTheirSizes) {
  const std::string text =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\nrest";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    HttpReader reader(Kind::answer, {});
    ASSERT_TRUE(feed_all(reader, text, piece).ok()) << piece;
    ASSERT_TRUE(reader.done()) << piece;
    EXPECT_EQ(reader.take_body(), "abcd");
    EXPECT_EQ(reader.take_chunks(), (std::vector<std::uint64_t>{3, 1}));
    EXPECT_TRUE(std::string("rest").ends_with(reader.take_rest()));
  }
}

TEST(HttpReader, AnEmptyBodyOfChunksInPieces) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string end : {"0\r\n\r\n", "0;a=b\r\n\r\n", "0\r\na: b\r\n\r\n"})
    for (std::size_t piece = 1; piece <= head.size() + end.size(); ++piece) {
      HttpReader reader(Kind::answer, {});
      ASSERT_TRUE(feed_all(reader, head + end, piece).ok()) << piece;
      ASSERT_TRUE(reader.done()) << piece;
      EXPECT_EQ(reader.take_body(), "");
    }
}

TEST(HttpReader, BytesOfAChunkDoNotWaitForTheNext) {
  HttpReader reader(Kind::answer, {});
  ASSERT_TRUE(reader.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").ok());
  for (const char* piece : {"8", "\r", "\n", "a", "b"}) ASSERT_TRUE(reader.feed(piece).ok());
  EXPECT_EQ(reader.take_body(), "ab");
  for (const char letter : std::string("cdefgh")) {
    ASSERT_TRUE(reader.feed({&letter, 1}).ok());
    EXPECT_EQ(reader.take_body(), std::string(1, letter));
  }
}

TEST(HttpReader, AnAnswerThatTheConnectionEnds) {
  HttpReader reader(Kind::answer, {});
  ASSERT_TRUE(reader.feed("HTTP/1.1 200 OK\r\n\r\nhello").ok());
  EXPECT_FALSE(reader.done());
  ASSERT_TRUE(reader.close().ok());
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.take_body(), "hello");
}

TEST(HttpReader, AnAnswerCutShort) {
  HttpReader reader(Kind::answer, {});
  ASSERT_TRUE(reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").ok());
  EXPECT_FALSE(reader.close().ok());
}

TEST(HttpReader, AConnectionThatEndsBeforeAnAnswer) {
  HttpReader nothing(Kind::answer, {});
  EXPECT_FALSE(nothing.close().ok());
  HttpReader half(Kind::answer, {});
  ASSERT_TRUE(half.feed("HTTP/1.1 2").ok());
  EXPECT_FALSE(half.close().ok());
}

TEST(HttpReader, NoBodyToHeadAndNoContent) {
  HttpReader head(Kind::answer_without_body, {});
  ASSERT_TRUE(head.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").ok());
  EXPECT_TRUE(head.done());
  HttpReader empty(Kind::answer, {});
  ASSERT_TRUE(empty.feed("HTTP/1.1 204 No Content\r\n\r\n").ok());
  EXPECT_TRUE(empty.done());
}

TEST(HttpReader, ABodyInLargePiecesIsWhole) {
  std::string body;
  for (int i = 0; i < 300'000; ++i) body += std::to_string(i);
  std::string chunked;
  for (std::size_t at = 0; at < body.size(); at += 70'000)
    chunked += chunk_of(std::string_view(body).substr(at, 70'000));
  const std::string plain = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body + "GET",
                    chunks = "Transfer-Encoding: chunked\r\n\r\n" + chunked + "0\r\n\r\nGET";
  for (const std::string& rest : {plain, chunks})
    for (const std::size_t piece : {std::size_t{4096}, std::size_t{65536}, rest.size() + 100}) {
      HttpReader reader(Kind::request, {});
      ASSERT_TRUE(feed_all(reader, "POST / HTTP/1.1\r\n" + rest, piece).ok()) << piece;
      ASSERT_TRUE(reader.done());
      EXPECT_EQ(reader.body_size(), body.size());
      EXPECT_EQ(reader.take_body(), body);
      EXPECT_EQ(reader.take_rest(), "GET");
    }
}

int status_of(const std::string& text, HttpLimits limits = {}) {
  HttpReader reader(Kind::request, limits);
  const Status fed = feed_all(reader, text, 1000);
  return fed.ok() ? 0 : reader.suggested_status();
}

TEST(HttpReader, LimitsAndNonsense) {
  const std::string start = "POST / HTTP/1.1\r\n";
  EXPECT_EQ(status_of(start + "X: " + std::string(70000, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of(start + "Content-Length: 101\r\n\r\n", {1000, 100}), 413);
  EXPECT_EQ(status_of(start + "Content-Length: 100\r\n\r\n", {1000, 100}), 0);
  EXPECT_EQ(status_of(start + "Transfer-Encoding: chunked\r\n\r\n60\r\n" + std::string(96, 'a') +
                          "\r\n5\r\naaaaa\r\n",
                      {1000, 100}),
            413);
  EXPECT_NE(status_of(start + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(5000, 'a'), {1000, 100}),
            0);
  EXPECT_EQ(status_of(start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(status_of(start + "Content-Length: five\r\n\r\n"), 400);
  EXPECT_EQ(status_of("nonsense\r\n\r\n"), 400);
}

TEST(HttpReader, ChunkHeadsWithoutEndAreCounted) {
  HttpReader reader(Kind::request, {1000, 1000});
  ASSERT_TRUE(reader.feed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").ok());
  const std::string chunk = "1;" + std::string(900, 'x') + "\r\na\r\n";
  Status fed;
  std::size_t sent = 0;
  for (; fed.ok() && sent < 100'000'000; sent += chunk.size()) fed = reader.feed(chunk);
  EXPECT_FALSE(fed.ok());
  EXPECT_LT(sent, 2'000'000u);
}

TEST(Upstream, Parsing) {
  const auto good = Upstream::parse("openai=https://api.example.com/v1/");
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good->host, "api.example.com");
  EXPECT_EQ(good->port, 443);
  EXPECT_TRUE(good->tls);
  EXPECT_EQ(good->url(), "https://api.example.com/v1");
  EXPECT_EQ(Upstream::parse("a=http://127.0.0.1:8000")->url(), "http://127.0.0.1:8000");
  for (const char* bad :
       {"", "a", "a=", "a=ftp://x", "=http://x", "a b=http://x", "a=http://", "a=http://x:0",
        "a=http://x:99999", "a=http://u:p@x", "a=http://x/?k=v", "a=http://x\r\nb"})
    EXPECT_FALSE(Upstream::parse(bad).ok()) << bad;
}

}  // namespace
}  // namespace assay::search
