// ASI-Evolve (arXiv:2603.29640): the folder of one run, in either of its two layouts. Each step is an
// experiment, failed ones too.
#include <algorithm>
#include <set>

#include "archives/asi_evolve.hpp"
#include "archives/importers.hpp"
#include "toolkit/rules/tags.hpp"

namespace assay::archives {

namespace {

using namespace asi_evolve;

constexpr const char* kNodes = "database_data/nodes.json";
constexpr const char* kKnowledge = "cognition_data/cognition.json";
constexpr const char* kLog = "logs/evolve.log";
constexpr const char* kRounds = "round_log.jsonl";
constexpr const char* kConfig = "config.yaml";

/// The content of a file that a run may lack: empty without it.
Result<std::string> read_if_there(const fs::path& root, const std::vector<FoundFile>& files,
                                  std::string_view name) {
  const bool there =
      std::any_of(files.begin(), files.end(), [&](const FoundFile& file) { return file.relative == name; });
  if (!there) return std::string();
  return read_file(root / name);
}

/// The value of `experiment_name` at the left margin of config.yaml; empty if there is none.
std::string run_name(std::string_view config) {
  constexpr std::string_view kKey = "experiment_name:";
  while (!config.empty()) {
    const auto end = std::min(config.find('\n'), config.size());
    if (config.starts_with(kKey))
      return std::string(rules::stripped(config.substr(kKey.size(), end - std::min(end, kKey.size()))));
    config.remove_prefix(std::min(end + 1, config.size()));
  }
  return "";
}

std::string direction_of(const std::string& metric) {
  return metric == "score" || metric == "eval_score" || metric == "judge_score" ? "higher" : "";
}

/// Every number of any step's results, by name: the run describes none of them, but that its samplers take
/// the highest score.
Json metrics_of(const std::vector<StepFolder>& steps, const std::vector<Node>& nodes) {
  std::set<std::string> names;
  for (const StepFolder& step : steps)
    for (const auto& value : step.numbers) names.insert(value.metric);
  for (const Node& node : nodes)
    for (const auto& value : node.meta)
      if (value.metric == "runtime" || value.metric == "judge_score") names.insert(value.metric);
  Json list = Json::array();
  for (const std::string& name : names) {
    Json metric = Json::object({{"name", name}, {"kind", "score"}});
    if (const std::string direction = direction_of(name); !direction.empty())
      metric.set("direction", direction);
    list.push(std::move(metric));
  }
  return list;
}

CampaignDocuments documents(const std::string& name, const std::vector<StepFolder>& steps,
                            const std::vector<Node>& nodes) {
  Json best = Json::array();
  for (const StepFolder& step : steps)
    if (step.best) best.push(step.id);
  Json head = Json::object({{"assay", "campaign"},
                            {"version", 1},
                            {"title", "ASI-Evolve run" + (name.empty() ? "" : ": " + name)},
                            {"system", "asi-evolve"},
                            {"paper", "arXiv:2603.29640"},
                            {"metrics", metrics_of(steps, nodes)},
                            {"lineage", "graph"}});
  head.set("extra", Json::object({{"best_history", std::move(best)}}));
  return {std::move(head), Json(), Json()};
}

Status import_steps_and_nodes(const std::vector<FoundFile>& files, const ImportOptions& options,
                              Problems& problems, Import& import) {
  const fs::path& root = import.root;
  std::vector<StepFolder> steps = ASSAY_TRY(read_steps(root, files, problems));
  if (steps.empty())
    return Error{Fault::missing, "no run of ASI-Evolve here: expected steps/step_1, steps/step_2, ...",
                 root.string(), "name the run's own folder, experiments/NAME"};
  std::vector<Node> nodes;
  const std::string database = ASSAY_TRY(read_if_there(root, files, kNodes));
  if (!database.empty()) nodes = ASSAY_TRY(read_nodes(database, kNodes, problems));
  Knowledge knowledge;
  if (const std::string text = ASSAY_TRY(read_if_there(root, files, kKnowledge)); !text.empty())
    knowledge = ASSAY_TRY(read_knowledge(text, kKnowledge, problems));
  const std::string rounds = ASSAY_TRY(read_if_there(root, files, kRounds));
  const RunLog log = rounds.empty() ? read_log(ASSAY_TRY(read_if_there(root, files, kLog)), steps)
                                    : ASSAY_TRY(read_rounds(rounds, kRounds, steps, problems));
  const Links links = link_nodes(steps, nodes, log);
  const auto parents = ASSAY_TRY(read_prompts(root, steps, links, log, knowledge));
  add_experiments(steps, links, log, !database.empty(), parents, import.items);
  if (!knowledge.lines.empty())
    import.items.push_back(ImportedItem::inline_text("knowledge.jsonl", std::move(knowledge.lines)));
  const std::string name = run_name(ASSAY_TRY(read_if_there(root, files, kConfig)));
  return add_documents(documents(name, steps, nodes), options, import.items);
}

}  // namespace

Result<Import> import_asi_evolve(const fs::path& source, const ImportOptions& options) {
  Import import;
  import.root = source;
  Problems problems(options);
  const auto files = ASSAY_TRY(find_source_files(source, problems));
  ASSAY_TRY(import_steps_and_nodes(files, options, problems, import));
  add_source_files(files, import.items);
  ASSAY_TRY(settle_names(import.items));
  import.problems = problems.take();
  return import;
}

}  // namespace assay::archives
