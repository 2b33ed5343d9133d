// experiments/ and steps.jsonl of an ASI-Evolve run.
#include <algorithm>

#include "archives/asi_evolve.hpp"
#include "toolkit/rules/tags.hpp"

namespace assay::archives::asi_evolve {

namespace {

std::string source(const std::string& file) { return "source/" + file; }

/// The tag of the last call of `agent` that has it; of researchers only a call that wrote the step's code
/// counts.
std::optional<std::string> tag_of(const StepFolder& step, std::string_view agent, const char* tag) {
  std::optional<std::string> found;
  for (const Call& call : step.calls) {
    const auto at = call.tags.find(tag);
    if (call.agent == agent && at != call.tags.end() && (agent != "researcher" || call.wrote_code))
      found = at->second;
  }
  return found;
}

class ExperimentWriter {
 public:
  ExperimentWriter(const StepFolder& step, const Node* node, std::vector<ImportedItem>& items)
      : step_(step), node_(node), items_(items) {
    record_.id = step.id;
    record_.index = step.index;
    record_.extra = Json::object();
  }

  void who(std::string name) {
    if (!name.empty()) record_.name = std::move(name);
    record_.status = step_.results.empty() ? "failed" : step_.success.value_or(true) ? "ok" : "unsuccessful";
    if (node_) {
      record_.created = node_->created;
      if (!node_->visits.is_null()) record_.extra.set("visits", node_->visits);
      if (!node_->island.is_null()) record_.extra.set("island", node_->island);
    }
    record_.score = node_ ? node_->score : step_.score;
  }

  void files() {
    const std::pair<const char*, const std::string&> kSources[] = {
        {"program", step_.program}, {"results", step_.results}, {"log", step_.log}};
    for (const auto& [role, file] : kSources)
      if (!file.empty()) record_.files[role] = source(file);
    text("motivation", node_ ? node_->motivation : tag_of(step_, "researcher", "motivation"));
    if (!node_ && !step_.analysis.empty()) record_.files["analysis"] = source(step_.analysis);
    text("analysis", node_ ? node_->analysis : tag_of(step_, "analyzer", "analysis"));
  }

  void metrics() {
    std::vector<formats::MetricValue> values = step_.numbers;
    if (node_)
      for (const auto& value : node_->meta)
        if ((value.metric == "runtime" || value.metric == "judge_score") && !has(values, value.metric))
          values.push_back(value);
    if (!values.empty())
      items_.push_back(ImportedItem::inline_text(folder() + "metrics.csv", formats::write_metrics(values)));
  }

  void lineage(const Parents& parents) {
    record_.parents = parents.steps;
    if (*parents.from) extra_.set("parents_from", parents.from);
    if (parents.unmatched.empty()) return;
    Json ids = Json::array();
    for (const std::int64_t id : parents.unmatched) ids.push(static_cast<long long>(id));
    extra_.set("unmatched_parents", std::move(ids));
  }

  void node_facts(std::optional<std::int64_t> id, const std::vector<std::int64_t>* migrants, bool has_nodes) {
    if (id) extra_.set("node_id", static_cast<long long>(*id));
    record_.evicted = id && !node_ && has_nodes;
    if (!id && !step_.results.empty()) extra_.set("unmatched_node", true);
    if (migrants) {
      Json ids = Json::array();
      for (const std::int64_t migrant : *migrants) ids.push(static_cast<long long>(migrant));
      extra_.set("migrant_nodes", std::move(ids));
    }
    if (node_ && !node_->meta_info.is_null()) extra_.set("meta_info", node_->meta_info);
    if (step_.best) extra_.set("best", true);
  }

  void write() {
    if (extra_.size() > 0) record_.extra.set("extra", std::move(extra_));
    items_.push_back(
        ImportedItem::inline_text(folder() + "experiment.json", record_.to_json().dump_pretty()));
  }

 private:
  std::string folder() const { return "experiments/" + step_.id + "/"; }

  static bool has(const std::vector<formats::MetricValue>& values, const std::string& metric) {
    return std::any_of(values.begin(), values.end(),
                       [&](const auto& value) { return value.metric == metric; });
  }

  void text(const char* role, const std::optional<std::string>& content) {
    if (!content || content->empty()) return;
    std::string name = folder() + role + ".md";
    record_.files[role] = name;
    items_.push_back(ImportedItem::inline_text(std::move(name), *content));
  }

  const StepFolder& step_;
  const Node* node_;
  std::vector<ImportedItem>& items_;
  formats::Experiment record_;
  Json extra_ = Json::object();
};

// ---- steps

Json list_of(const std::vector<std::string>& texts) { return Json(Json::Array(texts.begin(), texts.end())); }

/// What a call wrote, as the division of labour of the released program says and its answer shows.
std::vector<std::string> writes_of(const StepFolder& step, const Call& call) {
  const auto has = [&](const char* tag) { return call.tags.contains(tag); };
  std::vector<std::string> writes;
  if (call.agent == "researcher") {
    if (!call.wrote_code) return writes;
    if (has("name")) writes.emplace_back("name");
    if (has("motivation")) writes.emplace_back("motivation");
    writes.emplace_back("program");
  } else if (call.agent == "engineer") {
    writes = {"results", "score"};
  } else if (call.agent == "analyzer" && !step.results.empty()) {
    writes.emplace_back("analysis");
  } else if (call.agent == "judge") {
    writes.emplace_back("score");
  } else if (call.agent == "manager") {
    writes.emplace_back("prompts");
  }
  return writes;
}

class StepWriter {
 public:
  explicit StepWriter(std::string& lines) : lines_(lines) {}

  /// The calls in their order; the evaluation, which no model answers, stands between proposal and analysis.
  void write(const StepFolder& step) {
    order_ = 0;
    bool evaluated = step.results.empty();
    std::map<std::string, int> seen;
    for (const Call& call : step.calls) {
      if (!evaluated && call.agent != "researcher" && call.agent != "manager")
        evaluation(step), evaluated = true;
      std::string id = step.id + "/" + std::to_string(call.number);
      if (const int again = seen[id]++; again > 0) id += "-" + std::to_string(again + 1);
      write(step, call, id);
    }
    if (!evaluated) evaluation(step);
  }

 private:
  void write(const StepFolder& step, const Call& call, const std::string& id) {
    Json line = Json::object({{"id", id},
                              {"experiment", step.id},
                              {"order", ++order_},
                              {"agent", call.agent},
                              {"call", call.name}});
    if (call.attempt) line.set("attempt", static_cast<long long>(*call.attempt));
    if (call.time) line.set("time", *call.time);
    if (call.model) line.set("model", *call.model);
    if (!call.usage.is_null()) line.set("usage", call.usage);
    if (!call.seconds.is_null()) line.set("seconds", call.seconds);
    line.set("transcript", source(call.file));
    if (const auto writes = writes_of(step, call); !writes.empty()) line.set("writes", list_of(writes));
    Json reads = Json::object();
    if (!call.parents.empty()) reads.set("parents", list_of(call.parents));
    if (!call.knowledge.empty()) reads.set("knowledge", list_of(call.knowledge));
    if (reads.size() > 0) line.set("reads", std::move(reads));
    lines_ += line.dump() + "\n";
  }

  void evaluation(const StepFolder& step) {
    Json line = Json::object({{"id", step.id + "/evaluation"},
                              {"experiment", step.id},
                              {"order", ++order_},
                              {"agent", "engineer"}});
    line.set("transcript", source(step.log.empty() ? step.results : step.log));
    std::vector<std::string> writes = {"results", "score"};
    if (!step.log.empty()) writes.emplace_back("log");
    line.set("writes", list_of(writes));
    lines_ += line.dump() + "\n";
  }

  std::string& lines_;
  int order_ = 0;
};

}  // namespace

void add_experiments(const std::vector<StepFolder>& steps, const Links& links, const RunLog& log,
                     bool has_nodes, const std::vector<Parents>& parents, std::vector<ImportedItem>& items) {
  std::string lines;
  StepWriter writer(lines);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto node = links.node_of_step.find(i);
    const auto id = links.node_id_of_step.find(i);
    const auto migrants = links.migrants.find(i);
    ExperimentWriter experiment(steps[i], node == links.node_of_step.end() ? nullptr : node->second, items);
    experiment.who(name_of(steps[i], i, links, log));
    experiment.files();
    experiment.metrics();
    experiment.lineage(parents[i]);
    experiment.node_facts(id == links.node_id_of_step.end() ? std::nullopt : std::optional(id->second),
                          migrants == links.migrants.end() ? nullptr : &migrants->second, has_nodes);
    experiment.write();
    writer.write(steps[i]);
  }
  if (!lines.empty()) items.push_back(ImportedItem::inline_text("steps.jsonl", std::move(lines)));
}

}  // namespace assay::archives::asi_evolve
