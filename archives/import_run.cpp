// Finished training runs (docs/formats/run.md), each one experiment: recipe, program, trace and checkpoints,
// all held against each other before anything is sealed.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "archives/import_parts.hpp"
#include "archives/importers.hpp"
#include "formats/campaign.hpp"
#include "formats/run.hpp"

namespace assay::archives {

namespace {

using formats::MetricValue;

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

MetricValue value_of(const std::string& metric, std::uint64_t step, float value) {
  return {metric, static_cast<std::int64_t>(step), static_cast<double>(value), fmt::format("{}", value)};
}

std::string metrics_csv(const formats::Run& run) {
  std::vector<MetricValue> values;
  for (const auto& row : run.trace.rows)
    values.push_back(value_of("train_loss", row.step, formats::float_of(row.loss)));
  for (const auto& row : run.trace.rows)
    values.push_back(value_of("gradient_norm", row.step, formats::float_of(row.grad_norm)));
  std::map<std::string, std::vector<MetricValue>> measured;
  for (const formats::Evaluation& evaluation : run.evaluations)
    for (const Json::Member& metric : evaluation.metrics.members()) {
      const std::string* text = metric.value.string();
      if (formats::is_metric_name(metric.key))
        measured[metric.key].push_back({metric.key, static_cast<std::int64_t>(evaluation.step),
                                        metric.value.number().value_or(0),
                                        text ? *text : metric.value.dump()});
    }
  for (auto& [name, list] : measured) values.insert(values.end(), list.begin(), list.end());
  return formats::write_metrics(values);
}

std::string record(const NamedRun& named) {
  const formats::Run& run = named.run;
  const std::string folder = "experiments/" + named.id + "/";
  Json files = Json::object({{"recipe", folder + "recipe.json"},
                             {"trace", folder + "trace.jsonl"},
                             {"results", folder + "result.json"}});
  if (run.program) files.set("program", folder + "program.py");
  if (!run.environment.is_null()) files.set("environment", folder + "environment.json");
  const Json json = Json::object(
      {{"id", named.id},
       {"name", run.recipe.name + (run.recipe.mixer.program ? "" : "-" + run.recipe.mixer.baseline)},
       {"status", "ok"},
       {"seeds", Json::object({{"init", std::to_string(run.recipe.seed)},
                               {"data", std::to_string(run.recipe.task.seed)}})},
       {"dataset", Json::object({{"name", run.recipe.task.name}, {"sha256", run.result.data.hex()}})},
       {"parameters", run.result.parameters},
       {"files", std::move(files)}});
  return json.dump_pretty();
}

Status add_run(const NamedRun& named, std::vector<ImportedItem>& items) {
  const formats::Run& run = named.run;
  const std::string folder = "experiments/" + named.id + "/";
  const auto add = [&](std::string_view name, std::string text) {
    items.push_back(ImportedItem::inline_text(folder + std::string(name), std::move(text)));
  };
  add("experiment.json", record(named));
  add("metrics.csv", metrics_csv(run));
  add(formats::kRecipeFile, run.recipe.canonical());
  if (run.program) add(formats::kProgramFile, *run.program);
  add(formats::kTraceFile, run.trace.text());
  add(formats::kResultFile, run.result.encode());
  if (!run.environment.is_null()) add(formats::kEnvironmentFile, run.environment.dump_pretty());
  for (const std::uint64_t step : run.checkpoints) {
    const std::string file = formats::checkpoint_file(step);
    const fs::path path = named.folder / formats::kCheckpointsFolder / file;
    ASSAY_TRY(add_checkpoint("/", path.relative_path().string(), fs::file_size(path), folder + file, items));
  }
  return {};
}

// What anybody knows of these names; of others the name alone.
Json metrics_of(const std::vector<NamedRun>& runs) {
  Json list = Json::array();
  const auto add = [&](const std::string& name, const char* direction, const char* unit) {
    Json metric = Json::object({{"name", name}, {"kind", "curve"}});
    if (*direction) metric.set("direction", direction);
    if (*unit) metric.set("unit", unit);
    list.push(std::move(metric));
  };
  add("train_loss", "lower", "nat/token");
  add("gradient_norm", "", "");
  std::set<std::string> names;
  for (const NamedRun& named : runs)
    for (const auto& evaluation : named.run.evaluations)
      for (const Json::Member& metric : evaluation.metrics.members())
        if (formats::is_metric_name(metric.key)) names.insert(metric.key);
  for (const std::string& name : names)
    add(name,
        name.ends_with("accuracy")                               ? "higher"
        : name.ends_with("loss") || name.ends_with("perplexity") ? "lower"
                                                                 : "",
        "");
  return list;
}

Json head_of(const std::vector<NamedRun>& runs) {
  std::set<std::string> names;
  for (const NamedRun& named : runs) names.insert(named.run.recipe.name);
  std::string title = "Training runs:";
  for (const std::string& name : names) title += " " + name;
  return Json::object({{"assay", "campaign"},
                       {"version", 1},
                       {"title", std::move(title)},
                       {"system", "assay-run"},
                       {"metrics", metrics_of(runs)},
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
  for (const NamedRun& run : runs) ASSAY_TRY(add_run(run, import.items));
  ASSAY_TRY(add_documents({head_of(runs), Json(), Json()}, options, import.items));
  ASSAY_TRY(settle_names(import.items));
  import.problems = problems.take();
  return import;
}

Result<Import> import_run(const fs::path& source, const ImportOptions& options) {
  return import_runs({source}, options);
}

}  // namespace assay::archives
