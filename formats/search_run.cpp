#include "formats/search_run.hpp"

#include <algorithm>
#include <cmath>

#include "formats/campaign.hpp"
#include "formats/fields.hpp"
#include "formats/run.hpp"
#include "toolkit/base/text.hpp"

namespace assay::formats {

namespace {

constexpr std::uint64_t kMostJournal = 1ull << 40;

Json best_of(const SearchRecord& record) {
  const Outcome* best = record.best();
  return best ? Json::object({{"candidate", best->candidate}, {"score", *best->score}}) : Json();
}

Error broken(const std::string& what, const std::string& field) {
  return {Fault::damaged, what, "field \"" + field + "\"", ""};
}

Result<std::uint64_t> count_in(const Json& json, const char* key) {
  if (const auto number = json[key].natural()) return *number;
  return broken("expected a count, found " + describe(json[key]), key);
}

Result<std::string> text_in(const Json& json, const char* key) {
  if (const std::string* text = json[key].string()) return *text;
  return broken("expected a text, found " + describe(json[key]), key);
}

Result<std::string> part_in(const JournalRecord& record, const char* name) {
  if (const std::string* bytes = record.part(name)) return *bytes;
  return broken("no such part", name);
}

Result<std::optional<Digest>> digest_in(const Json& json, const char* key) {
  const Json* value = json.find(key);
  if (!value) return std::optional<Digest>();
  const auto digest = Digest::from_hex(value->string_or(""));
  if (!digest) return broken("expected 64 lower-case hex digits, found " + describe(*value), key);
  return std::optional(*digest);
}

void set_digest(Json& json, const char* key, const std::optional<Digest>& digest) {
  if (digest) json.set(key, digest->hex());
}

Result<SearchStep> step_of(const JournalRecord& record) {
  if (record.kind == "proposal") return SearchStep(ASSAY_TRY(Proposal::parse(record)));
  if (record.kind == "answer") return SearchStep(ASSAY_TRY(ModelAnswer::parse(record)));
  return SearchStep(ASSAY_TRY(Outcome::parse(record)));
}

// Candidates come in order: proposals 0, 1, 2, ..., and outcomes too, each after its proposal.
Status check_order(const SearchStep& step, std::uint64_t& proposed, std::uint64_t& finished) {
  const auto in_order = [](std::uint64_t found, std::uint64_t expected, const char* what) {
    if (found == expected) return Status();
    return Status(broken(std::string(what) + " out of order: expected candidate " + std::to_string(expected) +
                             ", found " + std::to_string(found),
                         "candidate"));
  };
  if (const auto* proposal = std::get_if<Proposal>(&step))
    return in_order(proposal->candidate, proposed++, "a proposal");
  if (const auto* outcome = std::get_if<Outcome>(&step)) {
    if (finished >= proposed) return broken("a result without its proposal", "candidate");
    return in_order(outcome->candidate, finished++, "a result");
  }
  return in_order(std::get<ModelAnswer>(step).candidate, proposed, "an answer");
}

Status check_start(const JournalRecord& record, const SearchRecipe& recipe) {
  const std::string_view digest = record.fields["recipe"].string_or("");
  if (record.kind == "start" && digest == recipe.digest().hex()) return {};
  return Error{Fault::damaged,
               "the journal is of another recipe: expected " + recipe.digest().hex() + ", found " +
                   std::string(digest),
               "journal, record 1", ""};
}

// `record` with all that stands before its end.
Status check_end(const JournalRecord& end, const SearchRecord& record) {
  if (record.proposals().size() != record.outcomes().size())
    return Error{Fault::damaged, "the end does not count the results before it", "", ""};
  const std::string expected = search_end(record).fields.dump_canonical(),
                    found = end.fields.dump_canonical();
  if (expected == found) return {};
  return Error{Fault::damaged,
               "the end does not follow from the results before it: expected " + expected + ", found " +
                   shorten(found, 400),
               "", "it was changed: ask for the folder as the search left it"};
}

}  // namespace

JournalRecord Proposal::record() const {
  Json numbers = Json::array();
  for (const std::uint64_t parent : parents) numbers.push(parent);
  Json fields = Json::object({{"candidate", candidate},
                              {"parents", std::move(numbers)},
                              {"sampler", sampler},
                              {"proposer", proposer},
                              {"tries", tries},
                              {"nearest", nearest},
                              {"novel", novel},
                              {"name", name},
                              {"motivation", motivation}});
  return {"proposal", std::move(fields), {{"program", program}}};
}

Result<Proposal> Proposal::parse(const JournalRecord& record) {
  const Json& json = record.fields;
  Proposal out;
  out.candidate = ASSAY_TRY(count_in(json, "candidate"));
  for (const Json& parent : json["parents"].items()) {
    const auto number = parent.natural();
    if (!number || *number >= out.candidate)
      return broken("expected an earlier candidate, found " + describe(parent), "parents");
    out.parents.push_back(*number);
  }
  out.sampler = json["sampler"];
  out.proposer = json["proposer"];
  out.tries = ASSAY_TRY(count_in(json, "tries"));
  const auto nearest = json["nearest"].number();
  if (!nearest) return broken("expected a number, found " + describe(json["nearest"]), "nearest");
  out.nearest = *nearest;
  const auto novel = json["novel"].boolean();
  if (!novel) return broken("expected true or false, found " + describe(json["novel"]), "novel");
  out.novel = *novel;
  out.name = ASSAY_TRY(text_in(json, "name"));
  out.motivation = ASSAY_TRY(text_in(json, "motivation"));
  out.program = ASSAY_TRY(part_in(record, "program"));
  return out;
}

const char* name_of(Outcome::State state) {
  return state == Outcome::State::ok ? "ok" : state == Outcome::State::failed ? "failed" : "duplicate";
}

JournalRecord Outcome::record() const {
  Json fields = Json::object({{"candidate", candidate}, {"state", name_of(state)}, {"measured", measured}});
  if (score) fields.set("score", *score);
  set_digest(fields, "chain", chain);
  set_digest(fields, "root", root);
  set_digest(fields, "data", data);
  if (!failure.empty()) fields.set("failure", failure);
  if (line) fields.set("line", *line);
  return {"result", std::move(fields), {}};
}

Result<Outcome> Outcome::parse(const JournalRecord& record) {
  const Json& json = record.fields;
  Outcome out;
  out.candidate = ASSAY_TRY(count_in(json, "candidate"));
  const std::string state = ASSAY_TRY(text_in(json, "state"));
  if (state == "failed")
    out.state = State::failed;
  else if (state == "duplicate")
    out.state = State::duplicate;
  else if (state != "ok")
    return broken("expected ok, failed or duplicate, found " + state, "state");
  out.measured = json["measured"];
  out.score = json["score"].number();
  if ((out.state == State::ok) != (out.score && std::isfinite(*out.score)))
    return broken("a finite score stands where the state is ok, found " + describe(json["score"]), "score");
  out.chain = ASSAY_TRY(digest_in(json, "chain"));
  out.root = ASSAY_TRY(digest_in(json, "root"));
  out.data = ASSAY_TRY(digest_in(json, "data"));
  out.failure = json["failure"].string_or("");
  out.line = json["line"].natural();
  return out;
}

JournalRecord ModelAnswer::record() const {
  return {
      "answer",
      Json::object({{"candidate", candidate}, {"attempt", attempt}, {"target", target}, {"status", status}}),
      {{"request", request}, {"response", response}}};
}

Result<ModelAnswer> ModelAnswer::parse(const JournalRecord& record) {
  ModelAnswer out;
  out.candidate = ASSAY_TRY(count_in(record.fields, "candidate"));
  out.attempt = ASSAY_TRY(count_in(record.fields, "attempt"));
  out.target = ASSAY_TRY(text_in(record.fields, "target"));
  out.status = static_cast<int>(std::min<std::uint64_t>(999, ASSAY_TRY(count_in(record.fields, "status"))));
  out.request = ASSAY_TRY(part_in(record, "request"));
  out.response = ASSAY_TRY(part_in(record, "response"));
  return out;
}

std::vector<const Proposal*> SearchRecord::proposals() const {
  std::vector<const Proposal*> all;
  for (const SearchStep& step : steps)
    if (const auto* proposal = std::get_if<Proposal>(&step)) all.push_back(proposal);
  return all;
}

std::vector<const Outcome*> SearchRecord::outcomes() const {
  std::vector<const Outcome*> all;
  for (const SearchStep& step : steps)
    if (const auto* outcome = std::get_if<Outcome>(&step)) all.push_back(outcome);
  return all;
}

const Outcome* SearchRecord::best() const {
  const Outcome* best = nullptr;
  for (const Outcome* outcome : outcomes())
    if (outcome->score && (!best || *outcome->score > *best->score)) best = outcome;
  return best;
}

JournalRecord search_start(const SearchRecipe& recipe) {
  return {"start", Json::object({{"recipe", recipe.digest().hex()}}), {}};
}

JournalRecord search_end(const SearchRecord& record) {
  Json fields = Json::object({{"candidates", record.proposals().size()}});
  if (Json best = best_of(record); best.is_object()) fields.set("best", std::move(best));
  return {"end", std::move(fields), {}};
}

Json search_head() { return Json::object({{"run", "search"}}); }

Result<SearchRecord> read_search(JournalReader reader, std::string_view recipe) {
  SearchRecord out;
  auto parsed = SearchRecipe::parse(recipe);
  if (!parsed) return std::move(parsed.error()).in(std::string(kSearchRecipeFile));
  out.recipe = *std::move(parsed);
  if (reader.head()["run"].string_or("") != "search")
    return Error{Fault::malformed, "not the journal of a search of assay's own", "journal", ""};
  std::uint64_t proposed = 0, finished = 0;
  for (;;) {
    const auto record = ASSAY_TRY(reader.next());
    if (!record) break;
    const std::string where = "journal, record " + std::to_string(reader.records());
    if (out.complete) return Error{Fault::damaged, "a record after the end", where, ""};
    if (reader.records() == 1) {
      ASSAY_TRY(check_start(*record, out.recipe));
    } else if (record->kind == "end") {
      out.complete = true;
      if (Status end = check_end(*record, out); !end) return std::move(end.error()).in(where);
    } else {
      auto step = step_of(*record);
      if (!step) return std::move(step.error()).in(where);
      if (Status order = check_order(*step, proposed, finished); !order)
        return std::move(order.error()).in(where);
      out.steps.push_back(*std::move(step));
    }
  }
  out.whole = reader.whole();
  out.torn = reader.torn();
  if (out.complete && out.torn) return Error{Fault::damaged, "bytes after the journal's end", "journal", ""};
  return out;
}

Result<SearchRecord> read_search(const std::filesystem::path& folder) {
  const std::string recipe = ASSAY_TRY(read_file(folder / kSearchRecipeFile, 1u << 20));
  auto record = read_search(ASSAY_TRY(JournalReader::open(folder / kSearchJournalFile)), recipe);
  if (!record) return std::move(record.error()).in(folder.string());
  return record;
}

bool is_search(const std::filesystem::path& folder) {
  const auto reader = JournalReader::open(folder / kSearchJournalFile);
  return reader && reader->head()["run"].string_or("") == "search";
}

bool in_result_root(std::string_view item) {
  if (item == "search/journal" || item == "search/recipe.json") return true;
  if (!item.starts_with("experiments/")) return false;
  const auto parts = split(item, '/');
  return parts.size() == 3 && (parts[2] == kProgramFile || parts[2] == kRecipeFile ||
                               parts[2] == kResultFile || parts[2] == kTraceFile);
}

Digest result_root(std::vector<RootItem> items) {
  std::sort(items.begin(), items.end(), [](const RootItem& a, const RootItem& b) { return a.name < b.name; });
  TreeHasher tree;
  for (const RootItem& item : items)
    tree.add(leaf_hash(manifest_line({item.name, *ItemType::parse("bytes"), item.size, item.digest})));
  return tree.root();
}

std::optional<Digest> result_root(const Manifest& manifest) {
  if (!manifest.find("search/journal")) return std::nullopt;
  std::vector<RootItem> items;
  for (std::size_t i = 0; i < manifest.size(); ++i) {
    const ManifestEntry entry = manifest.entry(i);
    if (in_result_root(entry.name)) items.push_back({entry.name, entry.size, entry.digest});
  }
  return result_root(std::move(items));
}

Result<Digest> result_root(const std::filesystem::path& folder, const SearchRecord& record) {
  std::vector<RootItem> items;
  const auto add = [&](const std::filesystem::path& file, std::string name) -> Status {
    const std::string bytes = ASSAY_TRY(read_file(file, kMostJournal));
    items.push_back({std::move(name), bytes.size(), content_digest(bytes)});
    return {};
  };
  ASSAY_TRY(add(folder / kSearchJournalFile, "search/journal"));
  ASSAY_TRY(add(folder / kSearchRecipeFile, "search/recipe.json"));
  for (const Outcome* outcome : record.outcomes()) {
    const std::string id = std::to_string(outcome->candidate);
    const fs::path run = folder / kCandidatesFolder / id;
    if (outcome->state == Outcome::State::ok)
      for (const std::string_view file : {kRecipeFile, kResultFile, kTraceFile})
        ASSAY_TRY(add(run / file, "experiments/" + id + "/" + std::string(file)));
  }
  for (const Proposal* proposal : record.proposals())
    items.push_back({"experiments/" + std::to_string(proposal->candidate) + "/program.py",
                     proposal->program.size(), content_digest(proposal->program)});
  return result_root(std::move(items));
}

std::string search_result(const SearchRecord& record, const Digest& root) {
  Json json = Json::object({{"assay", "search"},
                            {"version", 1},
                            {"recipe", record.recipe.digest().hex()},
                            {"candidates", record.outcomes().size()},
                            {"root", root.hex()}});
  if (Json best = best_of(record); best.is_object()) json.set("best", std::move(best));
  return json.dump_canonical() + "\n";
}

Status check_search_result(const std::filesystem::path& folder, const SearchRecord& record,
                           const std::optional<Digest>& root) {
  const fs::path file = folder / kSearchResultFile;
  if (!fs::exists(file)) return {};
  const std::string found = ASSAY_TRY(read_file(file, 1u << 20));
  const std::string expected = root ? search_result(record, *root) : "none: the search is not finished";
  if (found == expected) return {};
  return Error{Fault::damaged,
               "not what journal and runs give: expected " + std::string(trim(expected)) + ", found " +
                   shorten(std::string(trim(found)), 400),
               file.string(), "assay search with the same arguments writes it again"};
}

}  // namespace assay::formats
