// C173: the journal of a recorded search, sealed alone and beside a framework's campaign.
#include "formats/exchange_step.hpp"
#include "formats/journal.hpp"
#include "tests/support/run_program.hpp"
#include "tests/verify/checks_fixture.hpp"
#include "tests/verify/memory_items.hpp"

namespace assay::verify {
namespace {

using formats::JournalRecord;

class JournalCheck : public testing::Test {
 protected:
  std::string journal(bool ended = true) {
    const fs::path path = folder_ / "journal";
    fs::remove(path);
    auto writer = *formats::JournalWriter::create(path, Json::object());
    EXPECT_TRUE(writer.append({"start", Json::object({{"command", "x"}}), {}}));
    for (const std::uint64_t number : {1, 2}) EXPECT_TRUE(writer.append(exchange(number).record()));
    if (ended) {
      EXPECT_TRUE(writer.append({"end", Json::object({{"stdout", sha256("printed").hex()}}), {}}));
    }
    return test::slurp(path);
  }
  static formats::Exchange exchange(std::uint64_t number) {
    formats::Exchange one;
    one.number = number;
    one.upstream = "openai";
    one.method = "POST";
    one.target = "/chat/completions";
    one.status = 200;
    one.request = "ask " + std::to_string(number);
    one.response = "say";
    return one;
  }
  /// What a bundle has beside the journal of these.
  static Items beside() {
    Items items;
    for (const std::uint64_t number : {1, 2}) {
      items[formats::transcript_item(number)] = formats::transcript_of(exchange(number));
      items["steps.jsonl"] += formats::step_of(exchange(number), number).dump() + "\n";
    }
    return items;
  }
  /// Findings of a bundle of these items, what is beside them and its campaign.json.
  std::vector<formats::Finding> findings(
      const Items& more, const std::string& head = R"(,"system":"record","extra":{"exchanges":2})") {
    Items items = campaign_of(head, {});
    items.insert(more.begin(), more.end());
    items.merge(beside());
    MemoryItems sealed;
    for (const auto& [name, content] : items) sealed.put(name, content);
    sealed.seal();
    return run_checks(view_of(items), {"C173"}, &sealed).findings;
  }

  test::TemporaryFolder folder_;
};

TEST_F(JournalCheck, HoldsWhereNothingWasChanged) {
  expect_none(findings({{"source/journal", journal()}, {"source/stdout", "printed"}}));
  expect_none(findings({{"source/journal", journal(false)}}));
  expect_none(findings({{"record/journal", journal()}, {"source/journal", "a file of the framework's"}},
                       R"(,"system":"openevolve","extra":{"record":{"exchanges":2}})"));
  expect_none(findings({{"source/journal", "a file of its own"}}, R"(,"system":"openevolve")"));
}

TEST_F(JournalCheck, FindsAChangedByteAndNamesTheRecord) {
  std::string bytes = journal();
  bytes[bytes.find("ask 2")] = 'A';
  expect_one(findings({{"source/journal", bytes}}), kError, "source/journal",
             "the journal's chain is broken: this record was changed, or the records before it were "
             "(journal, record 3)");
}

TEST_F(JournalCheck, FindsARecordThatWasTakenOut) {
  std::string bytes = journal();
  const auto second = bytes.find("AJR1", bytes.find("AJR1") + 1), third = bytes.find("AJR1", second + 1);
  bytes.erase(second, third - second);
  expect_one(findings({{"source/journal", bytes}}), kError, "source/journal", "journal, record 2");
  bytes = journal();
  expect_one(findings({{"source/journal", bytes + "more"}}), kError, "source/journal",
             "4 bytes after the journal's end");
}

TEST_F(JournalCheck, FindsWhatLiesBesideAndTheCount) {
  expect_one(findings({{"source/journal", journal()}, {"source/stdout", "other"}}), kError, "source/stdout",
             "not what the journal's end says");
  expect_one(findings({{"source/journal", journal()}}, R"(,"system":"record","extra":{"exchanges":3})"),
             kError, "", "another number of exchanges");
  expect_one(findings({}), kError, "source/journal", "no journal");
}

TEST_F(JournalCheck, FindsStepsAndTranscriptsThatAreNotItsExchanges) {
  const std::string sealed = journal();
  const std::string transcript = formats::transcript_item(2);
  expect_one(findings({{"source/journal", sealed}, {transcript, formats::transcript_of(exchange(1))}}),
             kError, transcript, "not the journal's exchange");
  const std::string lines = beside()["steps.jsonl"], other = "{\"id\": \"more\"}\n";
  expect_one(findings({{"source/journal", sealed}, {"steps.jsonl", other + lines}}), kError, "steps.jsonl",
             "steps.jsonl is not the journal's exchanges");
  const std::string beside_another = R"(,"system":"openevolve","extra":{"record":{"exchanges":2}})";
  expect_none(findings({{"record/journal", sealed}, {"steps.jsonl", other + lines}}, beside_another));
  expect_one(findings({{"record/journal", sealed}, {"steps.jsonl", lines + other}}, beside_another), kError,
             "steps.jsonl", "does not end with the journal's exchanges");
  // Replaced secrets are listed: such an item cannot be made again.
  expect_none(findings({{"source/journal", sealed},
                        {transcript, "[REDACTED:x]"},
                        {"redactions.json", R"({"redactions":[{"item":")" + transcript + R"("}]})"}}));
}

}  // namespace
}  // namespace assay::verify
