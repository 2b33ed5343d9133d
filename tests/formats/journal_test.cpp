#include "formats/journal.hpp"

#include <gtest/gtest.h>

#include "formats/exchange.hpp"
#include "tests/support/run_program.hpp"

namespace assay::formats {
namespace {

JournalRecord record(const std::string& kind, std::vector<JournalPart> parts = {}) {
  return {kind, Json::object({{"a", 1}}), std::move(parts)};
}

std::string three_records(const test::TemporaryFolder& folder) {
  const std::string path = folder / "journal";
  auto writer = JournalWriter::create(path, Json::object({{"run", "r"}}));
  EXPECT_TRUE(writer.ok());
  EXPECT_TRUE(writer->append(record("start")).ok());
  EXPECT_TRUE(
      writer->append(record("exchange", {{"request", "ping"}, {"response", std::string("\0\xff pong", 7)}}))
          .ok());
  EXPECT_TRUE(writer->append(record("end", {{"empty", ""}})).ok());
  EXPECT_TRUE(writer->sync().ok());
  return test::slurp(path);
}

struct Seen {
  std::vector<JournalRecord> records;
  std::optional<Error> error;
  std::uint64_t whole = 0, torn = 0;
  Digest chain;
};

Seen read(const std::string& bytes) {
  Seen seen;
  auto reader = JournalReader::over(bytes);
  if (!reader) {
    seen.error = reader.error();
    return seen;
  }
  for (;;) {
    auto next = reader->next();
    if (!next) seen.error = next.error();
    if (!next || !*next) break;
    seen.records.push_back(*std::move(*next));
  }
  seen.whole = reader->whole();
  seen.torn = reader->torn();
  seen.chain = reader->chain();
  return seen;
}

TEST(Journal, ReadsWhatWasWritten) {
  const test::TemporaryFolder folder;
  const std::string bytes = three_records(folder);
  const Seen seen = read(bytes);
  EXPECT_FALSE(seen.error);
  ASSERT_EQ(seen.records.size(), 3u);
  EXPECT_EQ(seen.records[1].kind, "exchange");
  EXPECT_EQ(*seen.records[1].part("response"), std::string("\0\xff pong", 7));
  EXPECT_EQ(seen.records[1].fields["a"].integer(), 1);
  EXPECT_EQ(seen.records[1].fields.size(), 1u);
  EXPECT_EQ(seen.records[2].part("request"), nullptr);
  EXPECT_EQ(seen.whole, bytes.size());
  EXPECT_EQ(seen.torn, 0u);
}

// Made with Python's hashlib and struct from docs/formats/journal.md; the same bytes stand there as the
// worked example.
TEST(Journal, FixedBytes) {
  const test::TemporaryFolder folder;
  const std::string bytes = three_records(folder);
  EXPECT_EQ(sha256(bytes).hex(), "0863ff8c0a2c39ca8cb2982c471da28225ed029aa4cacf3be2f1d723c17bb5ae");
  EXPECT_EQ(read(bytes).chain.hex(), "d7575efcee4374c8b5d6d2988d7dd68c7c94f1e5a260f161c5a963672d55a46d");
}

TEST(Journal, NothingIsOverwritten) {
  const test::TemporaryFolder folder;
  three_records(folder);
  const auto again = JournalWriter::create(folder / "journal", Json::object({}));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().fault, Fault::refused);
}

TEST(Journal, EveryCutLeavesTheWholeRecordsBeforeIt) {
  const test::TemporaryFolder folder;
  const std::string bytes = three_records(folder);
  const std::size_t head = bytes.find('\n') + 1;
  for (std::size_t size = head; size < bytes.size(); ++size) {
    const Seen seen = read(bytes.substr(0, size));
    EXPECT_FALSE(seen.error) << "cut to " << size;
    EXPECT_LT(seen.records.size(), 3u);
    EXPECT_EQ(seen.whole + seen.torn, size);
  }
  EXPECT_TRUE(read(bytes.substr(0, head - 1)).error);
}

TEST(Journal, EveryChangedByteIsFound) {
  const test::TemporaryFolder folder;
  const std::string bytes = three_records(folder);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const Seen seen = read(changed);
    // A length that now points beyond the end looks like a torn record, and is told as one.
    EXPECT_TRUE(seen.error || seen.torn > 0) << "byte " << at;
  }
}

TEST(Journal, RecordsCannotBeTakenOutOrSwapped) {
  const test::TemporaryFolder folder;
  const std::string bytes = three_records(folder);
  const std::size_t head = bytes.find('\n') + 1, second = bytes.find("AJR1", head + 4);
  const Seen seen = read(bytes.substr(0, head) + bytes.substr(second));
  ASSERT_TRUE(seen.error);
  EXPECT_EQ(seen.error->fault, Fault::damaged);
  EXPECT_NE(seen.error->what.find("\"record\": 1, found 2"), std::string::npos) << seen.error->what;
  EXPECT_TRUE(seen.records.empty());
}

TEST(Journal, DeclaredSizesAreCheckedBeforeAnythingIsRead) {
  const test::TemporaryFolder folder;
  std::string bytes = three_records(folder);
  const std::size_t head = bytes.find('\n') + 1;
  bytes.replace(head + 8, 8, 8, '\xff');
  const Seen seen = read(bytes);
  ASSERT_TRUE(seen.error);
  EXPECT_EQ(seen.error->where, "journal, record 1");
}

Exchange streamed() {
  Exchange exchange;
  exchange.number = 3, exchange.arrived = 4;
  exchange.upstream = "model", exchange.method = "POST", exchange.target = "/chat/completions?x=1";
  exchange.request = R"({"model": "m", "temperature": 0.5, "messages": [], "seed": 7})";
  exchange.status = 200, exchange.streamed = true;
  exchange.chunks = {44, 84};
  exchange.response =
      "data: {\"choices\":[{\"delta\":{\"content\":\"He\"}}]}\n\n"
      "data: "
      "{\"model\":\"m-2\",\"choices\":[{\"delta\":{\"content\":\"y\"}}],\"usage\":{\"total_tokens\":9}}"
      "\n\ndata: [DONE]\n\n";
  exchange.chunks[1] = exchange.response.size() - 44;
  exchange.response_headers = {{"Content-Type", "text/event-stream"}};
  exchange.model = describe_exchange(exchange);
  exchange.clock = "2026-01-01 00:00:07";
  exchange.received = 1, exchange.first_byte = 2, exchange.done = 3;
  return exchange;
}

TEST(Exchange, ComesBackFromItsRecord) {
  const Exchange exchange = streamed();
  const auto back = Exchange::parse(exchange.record());
  ASSERT_TRUE(back.ok()) << back.error().what;
  EXPECT_EQ(back->record().fields, exchange.record().fields);
  EXPECT_EQ(back->response, exchange.response);
  EXPECT_EQ(*find_header(back->response_headers, "content-type"), "text/event-stream");
}

TEST(Exchange, ARecordThatTakesTheBodiesIsTheSame) {
  Exchange exchange = streamed();
  const JournalRecord copy = exchange.record(), taken = std::move(exchange).record();
  EXPECT_EQ(taken.fields, copy.fields);
  EXPECT_EQ(taken.parts, copy.parts);
}

TEST(Exchange, LongValuesDoNotHideWhatBodiesSay) {
  std::string numbers = "0.5";
  for (int i = 0; i < 5000; ++i) numbers += ", -1e-3";
  Exchange exchange;
  exchange.request = R"({"input":["a","b"],"logit":[[)" + numbers + "],[" + numbers +
                     R"(]],"dimensions":5,"seed":[1,2],"model":"e")" + std::string(5000, ' ') + "}";
  exchange.response = R"({"data":[{"embedding":[)" + numbers + R"(]},{"embedding":[)" + numbers +
                      R"(],"image":")" + std::string(9000, 'x') +
                      R"("}],"model":"e-1","usage":{"total_tokens":3}})";
  const Json model = describe_exchange(exchange);
  EXPECT_EQ(
      model.dump(),
      R"({"asked":"e","sampling":{"seed":[1,2],"dimensions":5},"answered":"e-1","usage":{"total_tokens":3}})");
}

TEST(Exchange, SaysWhatItsBodiesSay) {
  const Exchange exchange = streamed();
  EXPECT_EQ(exchange.model["asked"].string_or(""), "m");
  EXPECT_EQ(exchange.model["answered"].string_or(""), "m-2");
  EXPECT_EQ(exchange.model["sampling"]["seed"].integer(), 7);
  EXPECT_EQ(exchange.model["usage"]["total_tokens"].integer(), 9);
  EXPECT_EQ(answer_text(exchange), "Hey");
}

TEST(Exchange, AnthropicAndResponsesAnswers) {
  Exchange exchange;
  exchange.response =
      R"({"model":"c","content":[{"type":"text","text":"a"},{"type":"tool_use"},{"type":"text","text":"b"}]})";
  EXPECT_EQ(answer_text(exchange), "ab");
  exchange.response = R"({"output":[{"content":[{"type":"output_text","text":"c"}]}]})";
  EXPECT_EQ(answer_text(exchange), "c");
  exchange.response = "event: x\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"d\"}}\n\n";
  EXPECT_EQ(answer_text(exchange), "d");
  exchange.response = "[1, 2]";
  EXPECT_TRUE(describe_exchange(exchange).is_null());
}

TEST(Exchange, AnAlteredRequestIsFound) {
  JournalRecord record = streamed().record();
  record.parts[0].bytes[12] = 'n';
  const auto back = Exchange::parse(record);
  ASSERT_FALSE(back.ok());
  EXPECT_NE(back.error().what.find("digest"), std::string::npos);
}

TEST(Exchange, ChunksMustAddUp) {
  Exchange exchange = streamed();
  exchange.chunks.push_back(1);
  EXPECT_FALSE(Exchange::parse(exchange.record()).ok());
  exchange.chunks = {1};
  EXPECT_FALSE(Exchange::parse(exchange.record()).ok());
}

}  // namespace
}  // namespace assay::formats
