#include "archives/run_items.hpp"

#include <map>

#include <fmt/format.h>

#include "archives/import_parts.hpp"
#include "formats/campaign.hpp"

namespace assay::archives {

namespace {

using formats::MetricValue;

MetricValue value_at(const std::string& metric, std::uint64_t step, float value) {
  return {metric, static_cast<std::int64_t>(step), static_cast<double>(value), fmt::format("{}", value)};
}

std::string run_metrics_csv(const formats::Run& run) {
  std::vector<MetricValue> values;
  for (const auto& row : run.trace.rows)
    values.push_back(value_at("train_loss", row.step, formats::float_of(row.loss)));
  for (const auto& row : run.trace.rows)
    values.push_back(value_at("gradient_norm", row.step, formats::float_of(row.grad_norm)));
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

}  // namespace

Json run_record(const std::string& id, const formats::Run& run) {
  const std::string folder = "experiments/" + id + "/";
  Json files = Json::object({{"recipe", folder + "recipe.json"},
                             {"trace", folder + "trace.jsonl"},
                             {"results", folder + "result.json"}});
  if (run.program) files.set("program", folder + "program.py");
  if (!run.environment.is_null()) files.set("environment", folder + "environment.json");
  return Json::object(
      {{"id", id},
       {"name", run.recipe.name + (run.recipe.mixer.program ? "" : "-" + run.recipe.mixer.baseline)},
       {"status", "ok"},
       {"seeds", Json::object({{"init", std::to_string(run.recipe.seed)},
                               {"data", std::to_string(run.recipe.task.seed)}})},
       {"dataset", Json::object({{"name", run.recipe.task.name}, {"sha256", run.result.data.hex()}})},
       {"parameters", run.result.parameters},
       {"files", std::move(files)}});
}

Status add_run_parts(const std::string& id, const std::filesystem::path& source, const formats::Run& run,
                     std::vector<ImportedItem>& items) {
  const std::string folder = "experiments/" + id + "/";
  const auto add = [&](std::string_view name, std::string text) {
    items.push_back(ImportedItem::inline_text(folder + std::string(name), std::move(text)));
  };
  add("metrics.csv", run_metrics_csv(run));
  add(formats::kRecipeFile, run.recipe.canonical());
  if (run.program) add(formats::kProgramFile, *run.program);
  add(formats::kTraceFile, run.trace.text());
  add(formats::kResultFile, run.result.encode());
  if (!run.environment.is_null()) add(formats::kEnvironmentFile, run.environment.dump_pretty());
  for (const std::uint64_t step : run.checkpoints) {
    const std::string file = formats::checkpoint_file(step);
    const fs::path path = source / formats::kCheckpointsFolder / file;
    ASSAY_TRY(add_checkpoint("/", path.relative_path().string(), fs::file_size(path), folder + file, items));
  }
  return {};
}

void RunMetrics::add(const formats::Run& run) {
  for (const auto& evaluation : run.evaluations)
    for (const Json::Member& metric : evaluation.metrics.members())
      if (formats::is_metric_name(metric.key)) names_.insert(metric.key);
}

// What anybody knows of these names; of others the name alone.
Json RunMetrics::list() const {
  Json list = Json::array();
  const auto add = [&](const std::string& name, const char* direction, const char* unit) {
    Json metric = Json::object({{"name", name}, {"kind", "curve"}});
    if (*direction) metric.set("direction", direction);
    if (*unit) metric.set("unit", unit);
    list.push(std::move(metric));
  };
  add("train_loss", "lower", "nat/token");
  add("gradient_norm", "", "");
  for (const std::string& name : names_)
    add(name,
        name.ends_with("accuracy")                               ? "higher"
        : name.ends_with("loss") || name.ends_with("perplexity") ? "lower"
                                                                 : "",
        "");
  return list;
}

}  // namespace assay::archives
