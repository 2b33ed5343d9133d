// A recorded search: does its journal's chain hold to the end, and is what was sealed beside it what it says?
// That the program makes these requests again is shown by `assay replay --search` alone.
#include "formats/journal.hpp"

#include <algorithm>
#include <memory>

#include "formats/exchange_step.hpp"
#include "toolkit/base/text.hpp"
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"
#include "verify/query/records.hpp"

namespace assay::verify {

namespace {

// As `assay seal` names a record alone, and one beside a framework's campaign.
constexpr std::string_view kFolders[] = {"source/", "record/"};
constexpr std::string_view kSteps = "steps.jsonl";
constexpr std::uint64_t kStretch = 16u << 20;

// A journal may be larger than memory; its records are small and come in order.
formats::JournalReader::Source in_stretches(const formats::ItemSource& items, std::size_t item) {
  struct Stretch {
    std::uint64_t at = 0;
    std::string bytes;
  };
  const std::uint64_t size = items.manifest().size_of(item);
  return [&items, item, size, held = std::make_shared<Stretch>()](
             std::uint64_t offset, std::uint64_t length) -> Result<std::string> {
    if (offset < held->at || offset + length > held->at + held->bytes.size()) {
      const std::uint64_t wanted = std::min(std::max(length, kStretch), size - offset);
      held->bytes = ASSAY_TRY(items.read_range(item, offset, wanted));
      held->at = offset;
    }
    return held->bytes.substr(offset - held->at, length);
  };
}

struct JournalFacts {
  Json end;
  std::uint64_t exchanges = 0;
  std::string steps;  // the lines of steps.jsonl that it gives
};

// Each exchange is a step, and has a transcript beside it.
Status take_exchange(const formats::ItemSource& items, const formats::JournalRecord& record,
                     JournalFacts& facts, FindingSink& sink) {
  const formats::Exchange exchange = ASSAY_TRY(formats::Exchange::parse(record));
  facts.steps += formats::step_of(exchange, ++facts.exchanges).dump() + "\n";
  const std::string name = formats::transcript_item(exchange.number);
  if (const auto unlike = unlike_in_manifest(items, name, formats::transcript_of(exchange)))
    sink.add(Severity::error, name, name + " is not the journal's exchange", unlike->expected,
             unlike->found.empty() ? "none" : unlike->found);
  return {};
}

Result<JournalFacts> read_to_end(const formats::ItemSource& items, std::size_t item, FindingSink& sink) {
  auto reader =
      ASSAY_TRY(formats::JournalReader::open(in_stretches(items, item), items.manifest().size_of(item)));
  JournalFacts facts;
  for (;;) {
    const auto record = ASSAY_TRY(reader.next());
    if (!record) break;
    const std::string where = "journal, record " + std::to_string(reader.records());
    if (facts.end.is_object()) return Error{Fault::damaged, "a record after the end", where, ""};
    if (reader.records() == 1 && record->kind != "start")
      return Error{Fault::damaged, "expected the record \"start\", found " + record->kind, where, ""};
    if (record->kind == "exchange")
      if (Status taken = take_exchange(items, *record, facts, sink); !taken)
        return std::move(taken.error()).in(where);
    if (record->kind == "end") facts.end = record->fields;
  }
  if (reader.records() == 0) return Error{Fault::damaged, "a journal without records", "journal", ""};
  if (facts.end.is_object() && reader.torn())
    return Error{Fault::damaged, counted(reader.torn(), "byte") + " after the journal's end", "journal", ""};
  return facts;
}

// What the journal's end says of the files beside it.
void check_files(const formats::ItemSource& items, std::string_view folder, const Json& end,
                 FindingSink& sink) {
  constexpr std::pair<const char*, const char*> kBeside[] = {
      {"before", "before.json"}, {"after", "after.json"}, {"redactions", "redactions.json"},
      {"stdout", "stdout"},      {"stderr", "stderr"},    {"evaluations", "evaluations.json"}};
  for (const auto& [field, file] : kBeside) {
    const std::string name = std::string(folder) + file, expected(end[field].string_or(""));
    const auto content = read_if_present(items, name);
    if (expected.empty() || !content || !*content) continue;
    if (const std::string found = sha256(**content).hex(); found != expected)
      sink.add(Severity::error, name, name + " is not what the journal's end says: SHA-256", expected, found);
  }
}

// `alone`: nothing else made steps; a framework's own come first.
void check_steps(const formats::ItemSource& items, const std::string& lines, bool alone, FindingSink& sink) {
  if (lines.empty()) return;
  const Presence presence = presence_of(items, kSteps);
  if (presence == Presence::withheld || presence == Presence::left_out) return;
  const auto steps = read_if_present(items, kSteps);
  if (steps && *steps && (alone ? **steps == lines : (*steps)->ends_with(lines))) return;
  if (!unlike_in_manifest(items, kSteps, lines)) return;  // secrets in it were replaced
  sink.add(
      Severity::error, std::string(kSteps),
      std::string("steps.jsonl ") + (alone ? "is not" : "does not end with") + " the journal's exchanges",
      counted(static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n')), "line"),
      presence == Presence::absent ? "none" : "others");
}

// The campaign's own count, where the record is all there is.
const Json& facts_in(const CheckInput& input) {
  const Json& extra = input.view.head().raw["extra"];
  return extra["record"].is_object() ? extra["record"] : extra;
}

void check_count(const CheckInput& input, const JournalFacts& facts, FindingSink& sink) {
  const Json& claimed = facts_in(input)["exchanges"];
  if (claimed.natural() == std::optional(facts.exchanges)) return;
  sink.add(Severity::error, "", "campaign.json has another number of exchanges than the journal",
           std::to_string(facts.exchanges), claimed.dump());
}

}  // namespace

void check_journal(const CheckInput& input, FindingSink& sink) {
  if (!input.items) return;
  const Json& extra = input.view.head().raw["extra"];
  const bool alone = input.view.head().system == "record";
  if (!alone && !extra["record"].is_object()) return;  // no recorded search
  const formats::ItemSource& items = *input.items;
  const std::string_view folder = kFolders[alone ? 0 : 1];
  const std::string name = std::string(folder) + "journal";
  const auto item = items.manifest().find(name);
  if (!item) return sink.add(Severity::error, name, "the recorded search has no journal", name, "none");
  if (!items.has_content(*item))
    return sink.add(Severity::note, name, "the journal was not read: it is withheld or left out");
  const auto facts = read_to_end(items, *item, sink);
  if (!facts)
    return sink.add(Severity::error, name,
                    name + " does not hold: " + facts.error().what + " (" + facts.error().where + ")", "",
                    facts.error().what);
  check_count(input, *facts, sink);
  check_steps(items, facts->steps, alone, sink);
  if (facts->end.is_object()) check_files(items, folder, facts->end, sink);
}

}  // namespace assay::verify
