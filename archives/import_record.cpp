// A recorded search: the folder that `assay record` leaves (docs/formats/journal.md). Each exchange is a
// step. Where a framework's output lies in it, that campaign is the bundle's, and the record stands beside
// it.
#include <algorithm>
#include <set>

#include "archives/import_parts.hpp"
#include "archives/importers.hpp"
#include "archives/record_tree.hpp"
#include "formats/exchange.hpp"
#include "formats/exchange_step.hpp"
#include "formats/fields.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/text.hpp"

namespace assay::archives {

namespace {

using formats::Exchange;

struct Read {
  Json start, end, branch;
  std::uint64_t exchanges = 0, torn = 0;
  // The most keys that an exchange was kept with where the recorder learned one on the way, and with how many
  // it looked through what it had kept before.
  std::uint64_t keys = 0, searched = 0;
  std::string steps;  // steps.jsonl
  std::vector<RecordedCall> calls;

  bool whole() const { return end.is_object(); }
  /// Why the search is not; empty where it is complete. A program's status above 128 is a signal's.
  std::string incomplete() const {
    if (!whole()) return " (incomplete: the recording was cut short)";
    const auto status = end["status"].natural().value_or(0);
    return status > 128 ? " (incomplete: signal " + std::to_string(status - 128) + " ended the program)" : "";
  }
};

RecordedCall call_of(const Exchange& exchange) {
  RecordedCall call{exchange.number, exchange.method + " " + exchange.target, "",
                    formats::words_of(exchange)};
  if (!exchange.error.empty())
    call.failed = "it failed: " + exchange.error;
  else if (exchange.status >= 400)
    call.failed = "it failed with status " + std::to_string(exchange.status);
  return call;
}

Status take(const formats::JournalRecord& record, Read& read, std::set<std::uint64_t>& numbers,
            Import& import) {
  if (record.kind == "start") read.start = record.fields;
  if (record.kind == "end") read.end = record.fields;
  if (record.kind == "branch") read.branch = record.fields;
  if (record.kind == "searched") read.searched = record.fields["keys"].natural().value_or(0);
  if (record.kind != "exchange") return {};
  const Exchange exchange = ASSAY_TRY(Exchange::parse(record));
  if (!numbers.insert(exchange.number).second)
    return Error{Fault::damaged, "two exchanges have the number " + std::to_string(exchange.number), "", ""};
  read.keys = std::max(read.keys, exchange.keys);
  read.calls.push_back(call_of(exchange));
  read.steps += formats::step_of(exchange, ++read.exchanges).dump() + "\n";
  import.items.push_back(
      ImportedItem::inline_text(formats::transcript_item(exchange.number), formats::transcript_of(exchange)));
  return {};
}

Result<Read> read_journal(const fs::path& path, Import& import) {
  auto reader = ASSAY_TRY(formats::JournalReader::open(path));
  Read read;
  std::set<std::uint64_t> numbers;
  for (;;) {
    auto record = reader.next();
    if (!record) return std::move(record.error());  // which names the journal and the record
    if (!*record) break;
    if (Status taken = take(**record, read, numbers, import); !taken)
      return std::move(taken.error()).in("journal, record " + std::to_string(reader.records()));
  }
  read.torn = reader.torn();
  if (!read.start.is_object()) return Error{Fault::malformed, "a journal without its start", "journal", ""};
  if (read.whole() && read.torn)
    return Error{Fault::damaged, counted(read.torn, "byte") + " after the journal's end", "journal", ""};
  return read;
}

std::string command_of(const Json& start) {
  std::vector<std::string> words;
  for (const Json& word : start["command"].items()) words.emplace_back(word.string_or(""));
  return join(words, " ");
}

Json facts_of(const Read& read) {
  Json extra = Json::object({{"complete", read.incomplete().empty()},
                             {"exchanges", static_cast<unsigned long>(read.exchanges)},
                             {"deterministic", read.start["deterministic"].is_object()}});
  if (read.torn) extra.set("torn_bytes", static_cast<unsigned long>(read.torn));
  if (read.whole()) extra.set("status", read.end["status"]);
  if (!read.start["branch"].is_object()) return extra;
  Json branch = read.start["branch"];
  for (const char* key : {"exchange", "answered"})
    if (const Json* value = read.branch.find(key)) branch.set(key, *value);
  return extra.set("branch", std::move(branch));
}

Json head_of(const Read& read) {
  Json head =
      Json::object({{"assay", "campaign"},
                    {"version", 1},
                    {"title", "Recorded search: " + shorten(command_of(read.start), 120) + read.incomplete()},
                    {"system", "record"},
                    {"metrics", Json::array()},
                    {"lineage", "graph"}});
  return head.set("extra", facts_of(read));
}

// `name`: below `root`; `wanted`: SHA-256 in hexadecimal.
Status check_file(const fs::path& root, const std::string& name, std::string_view wanted) {
  const std::string found = sha256(ASSAY_TRY(read_file(ASSAY_TRY(inside(root, name))))).hex();
  if (wanted == found) return {};
  return Error{Fault::damaged,
               "not what was recorded: expected SHA-256 " + std::string(wanted) + ", found " + found, name,
               ""};
}

// What the journal's end says of a file beside it.
Status check_beside(const Read& read, const fs::path& root) {
  constexpr std::pair<const char*, const char*> kBeside[] = {
      {"before", "before.json"},           {"after", "after.json"}, {"redactions", "redactions.json"},
      {"evaluations", "evaluations.json"}, {"stdout", "stdout"},    {"stderr", "stderr"}};
  for (const auto& [field, file] : kBeside) {
    if (field == std::string_view("evaluations") && !read.end.find(field)) continue;  // not asked for
    ASSAY_TRY(check_file(root, file, read.end[field].string_or("")));
  }
  return {};
}

// Of `before` and `after`: what is kept below the folder is what the list beside it says.
Status check_contents(const fs::path& root, const std::string& folder) {
  const Json list = ASSAY_TRY(Json::parse(ASSAY_TRY(read_file(root / (folder + ".json")))));
  for (const Json& file : list["files"].items()) {
    if (file["kept"].boolean().value_or(false))
      ASSAY_TRY(check_file(root, folder + "/" + std::string(file["path"].string_or("")),
                           file["sha256"].string_or("")));
  }
  return {};
}

Status check_kept(const Read& read, const fs::path& root) {
  ASSAY_TRY(check_beside(read, root));
  ASSAY_TRY(check_contents(root, "before"));
  return check_contents(root, "after");
}

// A recorder that was killed may have known a key that stands in what it had kept before.
Status check_searched(const Read& read) {
  if (read.whole() || read.keys <= read.searched) return {};
  return Error{
      Fault::refused,
      "a key was first seen on the way, and the recording was cut short before the record was searched "
      "for it",
      "journal",
      "record again with the key in a variable whose name has KEY or TOKEN in it; or look through the "
      "record yourself, and seal it with --keep-going"};
}

// ---- the record beside a framework's campaign

ImportedItem* find(Import& import, std::string_view name) {
  for (ImportedItem& item : import.items)
    if (item.name == name) return &item;
  return nullptr;
}

// The framework's steps first: they are what a person asks for.
Status add_to_campaign(const Read& read, Import& import) {
  ImportedItem *steps = find(import, "steps.jsonl"), *head = find(import, "campaign.json");
  if (!head || !head->text())
    return Error{Fault::malformed, "the framework's importer gave no campaign", "", ""};
  Json campaign = ASSAY_TRY(Json::parse(*head->text()));
  Json extra = campaign["extra"];
  campaign.set("extra", extra.set("record", facts_of(read)));
  *head = ImportedItem::inline_text("campaign.json", campaign.dump_pretty());
  if (steps && steps->text())
    *steps = ImportedItem::inline_text("steps.jsonl", *steps->text() + read.steps);
  else if (!read.steps.empty())
    import.items.push_back(ImportedItem::inline_text("steps.jsonl", read.steps));
  return {};
}

// `record/...`: all of the record but what stands as `source/...` already.
void add_record_files(const std::vector<FoundFile>& files, Import& import) {
  std::set<std::string> there;
  for (const ImportedItem& item : import.items)
    if (!item.text() && item.name.starts_with("source/")) there.insert(item.path());
  for (const FoundFile& file : files)
    if (!file.relative.starts_with("after/") || !there.contains(file.relative))
      import.items.push_back(ImportedItem::whole_file("record/" + file.relative, file.size, file.relative));
}

Result<Import> with_framework(const Read& read, const FrameworkTree& tree,
                              const std::vector<FoundFile>& files, Import record,
                              const ImportOptions& options) {
  Import import = ASSAY_TRY(import_framework_tree(record.root, tree, read.calls, options));
  ASSAY_TRY(add_to_campaign(read, import));
  if (!find(import, "environment.json") && read.start["versions"].is_object())
    import.items.push_back(
        ImportedItem::inline_text("environment.json", read.start["versions"].dump_pretty()));
  for (ImportedItem& item : record.items) import.items.push_back(std::move(item));
  add_record_files(files, import);
  ASSAY_TRY(settle_names(import.items));
  return import;
}

Status plain_record(const Read& read, const std::vector<FoundFile>& files, const ImportOptions& options,
                    Import& import) {
  if (!read.steps.empty()) import.items.push_back(ImportedItem::inline_text("steps.jsonl", read.steps));
  if (read.start["versions"].is_object())
    import.items.push_back(
        ImportedItem::inline_text("environment.json", read.start["versions"].dump_pretty()));
  ASSAY_TRY(add_documents({head_of(read), Json(), Json()}, options, import.items));
  add_source_files(files, import.items);
  return settle_names(import.items);
}

}  // namespace

Result<Import> import_record(const fs::path& source, const ImportOptions& options) {
  Import import;
  import.root = source;
  Problems problems(options);
  // The program's clock and the gate of its threads are no part of the record; a recorder that was killed
  // leaves them behind.
  auto files = ASSAY_TRY(walk_files(source, nullptr, "gate"));
  std::erase_if(files, [](const FoundFile& file) {
    return file.relative == "clock" || file.relative == "clock.new" || file.relative == "journal.new";
  });
  const Read read = ASSAY_TRY(read_journal(source / "journal", import));
  if (read.whole())
    if (Status kept = check_kept(read, source); !kept) ASSAY_TRY(problems.add(std::move(kept.error())));
  if (Status searched = check_searched(read); !searched) ASSAY_TRY(problems.add(std::move(searched.error())));
  const auto tree = ASSAY_TRY(find_framework_tree(source, options));
  if (tree)
    import = ASSAY_TRY(with_framework(read, *tree, files, std::move(import), options));
  else
    ASSAY_TRY(plain_record(read, files, options, import));
  for (ImportProblem& problem : problems.take()) import.problems.push_back(std::move(problem));
  return import;
}

}  // namespace assay::archives
