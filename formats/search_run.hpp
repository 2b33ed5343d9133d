// What a search of assay's own keeps: a journal (formats/journal.hpp) of every decision, in an order that the
// recipe alone fixes, and the training runs of its candidates. docs/formats/search.md is its specification.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "formats/item.hpp"
#include "formats/journal.hpp"
#include "formats/manifest.hpp"
#include "formats/search_recipe.hpp"

namespace assay::formats {

inline constexpr std::string_view kSearchRecipeFile = "recipe.json", kSearchJournalFile = "journal",
                                  kAttemptsFile = "attempts.jsonl", kSearchResultFile = "result.json",
                                  kCandidatesFolder = "candidates";

/// What a proposer made for a candidate.
struct Proposal {
  std::uint64_t candidate = 0;
  std::vector<std::uint64_t> parents;
  Json sampler;             ///< what the sampler says of its choice
  Json proposer;            ///< what the proposer says of its proposal: genes, what was changed
  std::uint64_t tries = 1;  ///< proposals made; the last one is kept
  double nearest = 1;       ///< distance to the nearest earlier program
  bool novel = true;        ///< false: all tries were too near, and it is not trained
  std::string name, motivation, program;

  bool operator==(const Proposal&) const = default;
  JournalRecord record() const;
  static Result<Proposal> parse(const JournalRecord& record);
};

/// What became of a candidate.
struct Outcome {
  enum class State { ok, failed, duplicate };
  std::uint64_t candidate = 0;
  State state = State::ok;
  std::optional<double> score;              ///< of ok
  Json measured = Json::object();           ///< of ok: the names that a fitness formula may use
  std::optional<Digest> chain, root, data;  ///< of ok: of the training run
  std::string failure;                      ///< of failed: the kind of error (docs/runner.md), or "score"
  std::optional<std::uint64_t> line;        ///< of failed: the program's

  bool operator==(const Outcome&) const = default;
  JournalRecord record() const;
  static Result<Outcome> parse(const JournalRecord& record);
};
const char* name_of(Outcome::State state);

/// An exchange with a model that a proposal was made from.
struct ModelAnswer {
  std::uint64_t candidate = 0, attempt = 0;
  std::string target;
  int status = 0;
  std::string request, response;

  bool operator==(const ModelAnswer&) const = default;
  JournalRecord record() const;
  static Result<ModelAnswer> parse(const JournalRecord& record);
};

using SearchStep = std::variant<Proposal, Outcome, ModelAnswer>;

/// A search as its journal has it.
struct SearchRecord {
  SearchRecipe recipe;
  std::vector<SearchStep> steps;
  bool complete = false;              ///< the record "end" is there
  std::uint64_t whole = 0, torn = 0;  ///< bytes of the journal that hold, and after them

  std::vector<const Proposal*> proposals() const;  ///< by candidate
  std::vector<const Outcome*> outcomes() const;    ///< by candidate; nullptr where there is none yet
  /// The best score, the first of equal ones.
  const Outcome* best() const;
};

JournalRecord search_start(const SearchRecipe& recipe);
JournalRecord search_end(const SearchRecord& record);
Json search_head();  ///< of the journal

/// Every record parsed, candidates in order. Fault::damaged names the record.
Result<SearchRecord> read_search(JournalReader reader, std::string_view recipe);
Result<SearchRecord> read_search(const std::filesystem::path& folder);
bool is_search(const std::filesystem::path& folder);

/// The result root: the Merkle root over those lines of the bundle's manifest that hold what the search came
/// to: search/journal and search/recipe.json, and of every experiment program.py, recipe.json, result.json
/// and trace.jsonl. Numbers and states follow from these; environment, timings and attempts are not among
/// them.
bool in_result_root(std::string_view item);
struct RootItem {
  std::string name;
  std::uint64_t size = 0;
  ContentDigest digest;
};
Digest result_root(std::vector<RootItem> items);
/// The same from a bundle's manifest; nothing where it holds no search.
std::optional<Digest> result_root(const Manifest& manifest);
/// The same from the folder of a search.
Result<Digest> result_root(const std::filesystem::path& folder, const SearchRecord& record);

/// The text of result.json.
std::string search_result(const SearchRecord& record, const Digest& root);
/// Fault::damaged where the folder has a result.json that does not follow from its journal and runs.
Status check_search_result(const std::filesystem::path& folder, const SearchRecord& record,
                           const std::optional<Digest>& root);

}  // namespace assay::formats
