// Finished training runs (docs/formats/run.md), each one experiment: recipe, program, trace and checkpoints,
// all held against each other before anything is sealed.
#include <algorithm>
#include <set>

#include "archives/import_parts.hpp"
#include "archives/importers.hpp"
#include "archives/run_items.hpp"
#include "formats/campaign.hpp"
#include "formats/run.hpp"

namespace assay::archives {

namespace {

struct NamedRun {
  std::string id;
  fs::path folder;
  formats::Run run;
};

bool is_run(const fs::path& folder) { return fs::exists(folder / formats::kRecipeFile); }

// A folder that is a run, or holds some.
Result<std::vector<fs::path>> run_folders(const std::vector<fs::path>& sources) {
  std::vector<fs::path> folders;
  for (const fs::path& source : sources) {
    std::error_code wrong;
    const fs::path path = fs::canonical(source, wrong);
    if (wrong) return Error{Fault::missing, "no such folder", source.string(), ""};
    if (is_run(path)) {
      folders.push_back(path);
      continue;
    }
    std::vector<fs::path> below;
    for (const auto& entry : fs::directory_iterator(path, wrong))
      if (entry.is_directory(wrong) && is_run(entry.path())) below.push_back(entry.path());
    if (below.empty())
      return Error{Fault::missing,
                   "no run here: expected a folder that assay train made, or one that holds some",
                   source.string(), ""};
    std::sort(below.begin(), below.end());
    folders.insert(folders.end(), below.begin(), below.end());
  }
  return folders;
}

Result<NamedRun> read(const fs::path& folder) {
  NamedRun run{folder.filename().string(), folder, {}};
  if (!formats::is_experiment_id(run.id))
    return Error{Fault::malformed,
                 "a run's folder gives the experiment its id: expected 1 to 128 of [A-Za-z0-9._-]",
                 folder.string(), "rename the folder"};
  run.run = ASSAY_TRY(formats::read_run(folder));
  return run;
}

Json head_of(const std::vector<NamedRun>& runs) {
  std::set<std::string> names;
  for (const NamedRun& named : runs) names.insert(named.run.recipe.name);
  RunMetrics metrics;
  for (const NamedRun& named : runs) metrics.add(named.run);
  std::string title = "Training runs:";
  for (const std::string& name : names) title += " " + name;
  return Json::object({{"assay", "campaign"},
                       {"version", 1},
                       {"title", std::move(title)},
                       {"system", "assay-run"},
                       {"metrics", metrics.list()},
                       {"lineage", "graph"}});
}

}  // namespace

Result<Import> import_runs(const std::vector<fs::path>& sources, const ImportOptions& options) {
  Import import;
  import.root = "/";
  Problems problems(options);
  std::vector<NamedRun> runs;
  std::set<std::string> ids;
  const auto folders = ASSAY_TRY(run_folders(sources));
  Progress& progress = options.progress ? *options.progress : no_progress();
  progress.stage("checking", folders.size(), "runs");
  for (std::size_t i = 0; i < folders.size(); ++i) {
    auto run = read(folders[i]);
    progress.update(i + 1);
    if (!run) {
      ASSAY_TRY(problems.add(std::move(run.error())));
    } else if (!ids.insert(run->id).second) {
      ASSAY_TRY(problems.add({Fault::malformed, "two runs have one name, " + run->id, folders[i].string(),
                              "rename one of the folders"}));
    } else {
      runs.push_back(*std::move(run));
    }
  }
  for (const NamedRun& named : runs) {
    import.items.push_back(ImportedItem::inline_text("experiments/" + named.id + "/experiment.json",
                                                     run_record(named.id, named.run).dump_pretty()));
    ASSAY_TRY(add_run_parts(named.id, named.folder, named.run, import.items));
  }
  ASSAY_TRY(add_documents({head_of(runs), Json(), Json()}, options, import.items));
  ASSAY_TRY(settle_names(import.items));
  import.problems = problems.take();
  return import;
}

Result<Import> import_run(const fs::path& source, const ImportOptions& options) {
  return import_runs({source}, options);
}

}  // namespace assay::archives
