#include "verify/decisions/asi_evolve_record.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <set>

#include "formats/exchange.hpp"
#include "formats/journal.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/rules/tags.hpp"
#include "verify/decisions/asi_evolve_log.hpp"
#include "verify/query/records.hpp"

namespace assay::verify::evolve {

namespace {

std::optional<std::int64_t> step_number(std::string_view id) {
  if (id == "step_0_initial") return 0;
  if (!id.starts_with("step_")) return std::nullopt;
  id.remove_prefix(5);
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(id.data(), id.data() + id.size(), number);
  return code == std::errc() && end == id.data() + id.size() ? std::optional(number) : std::nullopt;
}

std::vector<std::int64_t> integers(const Json& list) {
  std::vector<std::int64_t> out;
  for (const Json& item : list.items()) out.push_back(item.integer().value_or(-1));
  return out;
}

Node node_of(const Json& json, std::int64_t id) {
  Node node;
  node.id = id;
  node.visits = json["visit_count"].integer().value_or(0);
  node.name = json["name"].string_or("");
  node.motivation = json["motivation"].string_or("");
  node.code = json["code"].string_or("");
  node.analysis = json["analysis"].string_or("");
  node.parents = integers(json["parent"]);
  node.results = json["results"];
  node.meta = json["meta_info"];
  node.score = json["score"].number().value_or(0);
  return node;
}

Status read_nodes(const SealedTree& tree, Record& record) {
  const Json document = ASSAY_TRY(tree.json("database_data/nodes.json"));
  if (!document.is_object()) return {};
  record.has_nodes = true;
  record.next_id = document["next_id"].integer();
  record.sampler_state = document["sampler_state"];
  for (const Json::Member& member : document["nodes"].members()) {
    const auto id = member.value["id"].integer();
    if (!id) continue;
    record.nodes[*id] = node_of(member.value, *id);
    record.node_order.push_back(*id);
  }
  return {};
}

struct NumberedCall {
  std::int64_t number = 0;
  Call call;
};

Result<NumberedCall> read_call(const SealedTree& tree, const std::string& file) {
  const Json json = ASSAY_TRY(tree.json(file));
  NumberedCall out;
  out.number = json["call_number"].integer().value_or(0);
  out.call.name = json["call_name"].string_or("");
  for (const Json& message : json["messages"].items()) {
    if (!out.call.prompt.empty()) out.call.prompt += "\n";
    out.call.prompt += message["content"].string_or("");
  }
  const Json& response = json["response"];
  out.call.answer = response.string() ? *response.string() : std::string(response["content"].string_or(""));
  return out;
}

Status read_step(const SealedTree& tree, Step& step) {
  const std::string folder = "steps/" + step.id + "/", best = "steps/best/" + step.id + "/";
  step.code = ASSAY_TRY(tree.read(folder + "code"));
  step.best_code = ASSAY_TRY(tree.read(best + "code"));
  step.results_text = ASSAY_TRY(tree.read(folder + "results.json"));
  step.best_results_text = ASSAY_TRY(tree.read(best + "results.json"));
  if (step.results_text)
    if (auto results = Json::parse(*step.results_text, {.python_numbers = true}))
      step.results = *std::move(results);
  std::vector<NumberedCall> calls;
  for (const std::string& file : tree.files(folder + "llm_logs/"))
    if (file.ends_with(".json")) calls.push_back(ASSAY_TRY(read_call(tree, file)));
  std::stable_sort(calls.begin(), calls.end(),
                   [](const auto& a, const auto& b) { return a.number < b.number; });
  for (NumberedCall& call : calls) step.calls.push_back(std::move(call.call));
  return {};
}

Status read_steps(const SealedTree& tree, Record& record) {
  std::set<std::string> ids, best;
  for (const std::string& file : tree.files("steps/")) {
    const bool in_best = file.starts_with("steps/best/");
    const std::size_t from = in_best ? 11 : 6, slash = file.find('/', from);
    if (slash == file.npos) continue;
    ids.insert(file.substr(from, slash - from));
    if (in_best) best.insert(file.substr(from, slash - from));
  }
  for (const std::string& id : ids) {
    Step step;
    step.id = id;
    step.number = step_number(id);
    step.initial = id == "step_0_initial";
    step.best = best.contains(id);
    ASSAY_TRY(read_step(tree, step));
    record.steps.push_back(std::move(step));
  }
  std::stable_sort(record.steps.begin(), record.steps.end(), [](const Step& a, const Step& b) {
    return std::pair(!a.number, a.number.value_or(0)) < std::pair(!b.number, b.number.value_or(0));
  });
  // The second layout names its steps as it likes; its nodes give their order.
  std::int64_t next = 1;
  for (const Step& step : record.steps) next = std::max(next, step.number.value_or(0) + 1);
  for (Step& step : record.steps)
    if (!step.number && (step.code || step.results_text)) step.number = next++;
  return {};
}

// Which node came from which step, and the parents of those that nodes.json has no more: proved when the
// campaign was sealed.
Status read_links(const DecisionInput& input, Record& record) {
  std::map<std::string, std::int64_t> nodes;
  std::map<std::string, std::vector<std::string>> parents;
  for (Step& step : record.steps) {
    auto experiment = read_experiment(input.items, step.id);
    if (!experiment) continue;
    const Json& extra = experiment->extra["extra"];
    step.node = extra["node_id"].integer();
    if (step.node) nodes[step.id] = *step.node;
    if (experiment->parents) parents[step.id] = *experiment->parents;
  }
  for (Step& step : record.steps) {
    if (step.node && record.nodes.contains(*step.node)) {
      step.parents = record.nodes.at(*step.node).parents;
      continue;
    }
    const auto known = parents.find(step.id);
    if (known == parents.end()) continue;
    std::vector<std::int64_t> ids;
    for (const std::string& parent : known->second)
      if (const auto node = nodes.find(parent); node != nodes.end()) ids.push_back(node->second);
    if (ids.size() == known->second.size()) step.parents = std::move(ids);
  }
  for (const StepLine& line : ASSAY_TRY(assay::verify::read_steps(input.items))) {
    if (!line.step.experiment || line.step.raw["agent"].string_or("") != "researcher") continue;
    for (Step& step : record.steps)
      if (step.id == *line.step.experiment) step.knowledge = line.step.reads_knowledge;
  }
  return {};
}

// Of the rest of the journal: what was answered.
Status read_answers(formats::JournalReader& reader, Record& record) {
  record.answers.emplace();
  for (;;) {
    const auto next = ASSAY_TRY(reader.next());
    if (!next) return {};
    if (next->kind != "exchange") continue;
    const auto exchange = ASSAY_TRY(formats::Exchange::parse(*next));
    record.answers->emplace(rules::stripped(formats::answer_text(exchange)));
  }
}

// What `assay record` kept, sealed beside the run; a deterministic one has a random stream.
Status read_stream(const DecisionInput& input, Record& record) {
  const auto item = input.items.manifest().find("record/journal");
  if (!item || !input.items.has_content(*item)) return {};
  const std::string text = ASSAY_TRY(input.items.read(*item));
  auto reader = ASSAY_TRY(formats::JournalReader::over(text));
  const auto start = ASSAY_TRY(reader.next());
  if (!start || start->kind != "start") return {};
  ASSAY_TRY(read_answers(reader, record));
  const std::string seed(start->fields["deterministic"]["seed"].string_or(""));
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(seed.data(), seed.data() + seed.size(), number, 16);
  if (seed.empty() || code != std::errc() || end != seed.data() + seed.size()) return {};
  record.stream_seed = number;
  const auto parts = split(start->fields["versions"]["python"].string_or(""), '.');
  int minor = 0;
  if (parts.size() > 1) std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), minor);
  record.compensated_sums = minor >= 12;
  return {};
}

}  // namespace

const Call* Step::researcher() const {
  const Call* last = nullptr;
  for (const Call& call : calls)
    if (call.name.starts_with("researcher") && !call.name.ends_with("_debug")) last = &call;
  return last;
}

const Step* Record::step_of(std::int64_t node) const {
  for (const Step& step : steps)
    if (step.node == node) return &step;
  return nullptr;
}

std::string Record::name_of(std::int64_t node) const {
  if (const auto live = nodes.find(node); live != nodes.end()) return live->second.name;
  if (const auto logged = added.find(node); logged != added.end()) return logged->second.name;
  return "";
}

std::optional<std::int64_t> Record::last_id() const {
  if (next_id) return *next_id - 1;
  if (!added.empty()) return added.rbegin()->first;
  return std::nullopt;
}

std::string logged_score(double score) {
  char text[400];
  std::snprintf(text, sizeof text, "%.4f", score);
  return text;
}

Result<Record> read_record(const DecisionInput& input, const SealedTree& tree) {
  Record record;
  record.config = ASSAY_TRY(read_run_config(input.items, record.config_problem));
  ASSAY_TRY(read_nodes(tree, record));
  ASSAY_TRY(read_steps(tree, record));
  ASSAY_TRY(read_links(input, record));
  if (const auto log = ASSAY_TRY(tree.read("logs/evolve.log"))) read_log(*log, record);
  for (const auto& [id, item] : ASSAY_TRY(read_knowledge(input.items)))
    record.knowledge[id] = std::string(item["content"].string_or(""));
  ASSAY_TRY(read_stream(input, record));
  return record;
}

}  // namespace assay::verify::evolve
