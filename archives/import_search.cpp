// A search of assay's own: the folder that `assay search` leaves (docs/formats/search.md). Each candidate is
// an experiment, each decision a step; what depends on machine and time is in environment.json and
// attempts.jsonl.
#include "archives/import_parts.hpp"
#include "archives/importers.hpp"
#include "archives/run_items.hpp"
#include "formats/measured.hpp"
#include "formats/search_run.hpp"
#include "formats/search_steps.hpp"
#include "toolkit/base/text.hpp"

namespace assay::archives {

namespace {

using formats::Outcome;
using formats::Proposal;
using formats::SearchRecord;

std::string id_of(std::uint64_t candidate) { return std::to_string(candidate); }
std::string folder_of(std::uint64_t candidate) { return "experiments/" + id_of(candidate) + "/"; }

// What the journal says of the candidate, over what its run says.
Json experiment(const Proposal& proposal, const Outcome* outcome, Json base) {
  const std::string folder = folder_of(proposal.candidate);
  Json files = base["files"].is_object() ? base["files"] : Json::object();
  files.set("program", folder + "program.py").set("motivation", folder + "motivation.md");
  base.set("id", id_of(proposal.candidate))
      .set("name", shorten(proposal.name, 900))
      .set("index", proposal.candidate)
      .set("parents", formats::candidate_ids(proposal.parents))
      .set("status", outcome ? formats::name_of(outcome->state) : "unfinished")
      .set("files", std::move(files));
  if (outcome && outcome->score) base.set("score", *outcome->score);
  Json extra = Json::object({{"proposer", proposal.proposer},
                             {"sampler", proposal.sampler},
                             {"tries", proposal.tries},
                             {"nearest", proposal.nearest}});
  if (outcome) extra.set("measured", outcome->measured);
  if (outcome && !outcome->failure.empty()) extra.set("failure", outcome->failure);
  if (outcome && outcome->line) extra.set("line", *outcome->line);
  return base.set("extra", std::move(extra));
}

// The run is the one that the journal speaks of.
Status check_run(const formats::Run& run, const Proposal& proposal, const Outcome& outcome,
                 const SearchRecord& record, const fs::path& folder) {
  const auto unlike = [&](const char* what) {
    return Error{Fault::damaged,
                 std::string("the run is not what the journal says: its ") + what + " differs",
                 folder.string(), ""};
  };
  if (run.program != std::optional(proposal.program)) return unlike("program");
  if (run.recipe != record.recipe.training) return unlike("recipe");
  if (outcome.chain != std::optional(run.result.chain)) return unlike("chain");
  if (outcome.root != std::optional(run.result.root)) return unlike("last state");
  if (outcome.data != std::optional(run.result.data)) return unlike("data");
  const std::string expected = formats::json_of(formats::measured_of(run)).dump_canonical(),
                    found = outcome.measured.dump_canonical();
  if (expected != found)
    return Error{
        Fault::damaged,
        "the run is not what the journal says: it measured " + expected + ", the journal has " + found,
        folder.string(), ""};
  return {};
}

Json search_head(const SearchRecord& record, const RunMetrics& metrics, const std::optional<Digest>& root) {
  Json extra = Json::object({{"complete", record.complete}, {"recipe", record.recipe.digest().hex()}});
  if (root) extra.set("result_root", root->hex());
  return Json::object({{"assay", "campaign"},
                       {"version", 1},
                       {"title", "Search: " + record.recipe.name + (record.complete ? "" : " (incomplete)")},
                       {"system", "assay-search"},
                       {"metrics", metrics.list()},
                       {"lineage", "graph"},
                       {"extra", std::move(extra)}});
}

Status add_candidate(const fs::path& source, const SearchRecord& record, const Proposal& proposal,
                     const Outcome* outcome, RunMetrics& metrics, std::vector<ImportedItem>& items) {
  const std::string folder = folder_of(proposal.candidate);
  Json base = Json::object();
  if (outcome && outcome->state == Outcome::State::ok) {
    const fs::path path = source / formats::kCandidatesFolder / id_of(proposal.candidate);
    const formats::Run run = ASSAY_TRY(formats::read_run(path));
    ASSAY_TRY(check_run(run, proposal, *outcome, record, path));
    metrics.add(run);
    base = run_record(id_of(proposal.candidate), run);
    ASSAY_TRY(add_run_parts(id_of(proposal.candidate), path, run, items));
  } else {
    items.push_back(ImportedItem::inline_text(folder + "program.py", proposal.program));
  }
  items.push_back(ImportedItem::inline_text(folder + "motivation.md", proposal.motivation));
  items.push_back(ImportedItem::inline_text(folder + "experiment.json",
                                            experiment(proposal, outcome, std::move(base)).dump_pretty()));
  return {};
}

}  // namespace

Result<Import> import_search(const fs::path& source, const ImportOptions& options) {
  Import import;
  import.root = "/";
  std::error_code wrong;
  const fs::path folder = fs::canonical(source, wrong);
  if (wrong) return Error{Fault::missing, "no such folder", source.string(), ""};
  const SearchRecord record = ASSAY_TRY(formats::read_search(folder));
  const auto proposals = record.proposals();
  const auto outcomes = record.outcomes();
  Progress& progress = options.progress ? *options.progress : no_progress();
  progress.stage("checking", proposals.size(), "candidates");
  RunMetrics metrics;
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    ASSAY_TRY(add_candidate(folder, record, *proposals[i], i < outcomes.size() ? outcomes[i] : nullptr,
                            metrics, import.items));
    progress.update(i + 1);
  }
  std::optional<Digest> root;
  if (record.complete) root = ASSAY_TRY(formats::result_root(folder, record));
  ASSAY_TRY(formats::check_search_result(folder, record, root));
  const auto add_file = [&](std::string_view file) -> Status {
    const fs::path path = folder / file;
    if (!fs::exists(path)) return {};
    import.items.push_back(ImportedItem::whole_file("search/" + std::string(file), fs::file_size(path),
                                                    path.relative_path().string()));
    return {};
  };
  for (const std::string_view file :
       {formats::kSearchRecipeFile, formats::kSearchJournalFile, formats::kAttemptsFile})
    ASSAY_TRY(add_file(file));
  import.items.push_back(ImportedItem::inline_text("steps.jsonl", formats::search_steps(record)));
  ASSAY_TRY(add_documents({search_head(record, metrics, root), Json(), Json()}, options, import.items));
  ASSAY_TRY(settle_names(import.items));
  return import;
}

}  // namespace assay::archives
