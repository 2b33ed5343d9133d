// database_data/nodes.json, and which node came from which step: no link is stored, so each has to be proved.
#include <algorithm>
#include <set>

#include "archives/asi_evolve.hpp"
#include "archives/json_records.hpp"
#include "formats/fields.hpp"
#include "toolkit/rules/tags.hpp"

namespace assay::archives::asi_evolve {

namespace {

Result<std::vector<std::int64_t>> ids_of(const Json& list) {
  std::vector<std::int64_t> ids;
  for (const Json& item : list.items()) {
    const auto id = item.integer();
    if (!id)
      return Error{Fault::malformed, "expected node ids, found " + formats::describe(item),
                   "field \"parent\"", ""};
    ids.push_back(*id);
  }
  return ids;
}

Result<Node> read_node(const JsonRecord& record) {
  const Json json = ASSAY_TRY(parse_record(record, {.python_numbers = true}));
  if (!json.is_object())
    return Error{Fault::malformed, "expected an object, found " + formats::describe(json), "", ""};
  Node node;
  formats::Fields fields(json);
  std::optional<std::int64_t> id;
  Json parents;
  fields.require("id")
      .integer("id", id)
      .require("name")
      .text("name", node.name)
      .require("code")
      .text("code", node.code);
  fields.text("created_at", node.created).text("motivation", node.motivation).text("analysis", node.analysis);
  fields.number("score", node.score).array("parent", parents).object("meta_info", node.meta_info);
  ASSAY_TRY(fields.status());
  node.id = *id;
  if (!parents.is_null()) node.parents = ASSAY_TRY(ids_of(parents));
  node.visits = json["visit_count"];
  node.island = node.meta_info["island"];
  node.migrant = node.meta_info["migrant"].boolean().value_or(false);
  node.results = numbers_of(ASSAY_TRY(member_text(record.text, "results")).text);
  node.meta = numbers_of(ASSAY_TRY(member_text(record.text, "meta_info")).text);
  return node;
}

/// True if every number of the step's results stands in the node's results with the same text.
bool same_results(const StepFolder& step, const Node& node) {
  if (step.numbers.empty()) return false;
  return std::all_of(step.numbers.begin(), step.numbers.end(), [&](const formats::MetricValue& value) {
    return std::any_of(node.results.begin(), node.results.end(), [&](const formats::MetricValue& other) {
      return other.metric == value.metric && other.text == value.text;
    });
  });
}

/// Positions of the steps whose program is `code`.
std::vector<std::size_t> steps_with(const std::vector<StepFolder>& steps, std::string_view code) {
  std::vector<std::size_t> exact, near;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].program.empty()) continue;
    if (steps[i].code == code)
      exact.push_back(i);
    else if (rules::stripped(steps[i].code) == rules::stripped(code))
      near.push_back(i);
  }
  return exact.empty() ? near : exact;
}

class Linking {
 public:
  Linking(const std::vector<StepFolder>& steps, const RunLog& log) : steps_(steps), log_(log) {
    for (std::size_t i = 0; i < steps.size(); ++i) positions_[steps[i].id] = i;
  }

  Links link(const std::vector<Node>& nodes) {
    // A node that migrated is marked, be it the one that was added or a copy of it: what the log says was
    // added comes first.
    for (const bool logged : {true, false})
      for (const Node& node : nodes)
        if (log_.nodes.contains(node.id) == logged) join(node);
    for (const Node& node : nodes)
      if (node.migrant && !links_.step_of_node.contains(node.id)) copy(node);
    for (const auto& [id, added] : log_.nodes) from_log(id, added);
    return std::move(links_);
  }

 private:
  // Equal code; among several, equal results; among several still, the log. A step has one node.
  void join(const Node& node) {
    std::vector<std::size_t> found = steps_with(steps_, node.code);
    // The second layout stores it.
    if (const auto named = positions_.find(std::string(node.meta_info["step_name"].string_or("")));
        named != positions_.end())
      found = {named->second};
    if (found.size() > 1) {
      std::vector<std::size_t> narrowed;
      for (const std::size_t i : found)
        if (same_results(steps_[i], node)) narrowed.push_back(i);
      if (!narrowed.empty()) found = std::move(narrowed);
    }
    if (found.size() > 1) {
      const auto logged = step_in_log(node.id);
      std::erase_if(found, [&](std::size_t i) { return !logged || i != *logged; });
    }
    if (found.size() != 1 || links_.node_of_step.contains(found[0])) return;
    links_.step_of_node[node.id] = found[0];
    links_.node_of_step[found[0]] = &node;
    links_.node_id_of_step[found[0]] = node.id;
  }

  void copy(const Node& node) {
    const std::vector<std::size_t> found = steps_with(steps_, node.code);
    if (found.size() != 1) return;
    links_.step_of_node[node.id] = found[0];
    links_.migrants[found[0]].push_back(node.id);
  }

  std::optional<std::size_t> step_in_log(std::int64_t id) const {
    const auto added = log_.nodes.find(id);
    if (added == log_.nodes.end() || !added->second.step) return std::nullopt;
    const auto at = positions_.find(*added->second.step);
    return at == positions_.end() ? std::nullopt : std::optional(at->second);
  }

  // Evicted nodes are in the log alone.
  void from_log(std::int64_t id, const RunLog::Added&) {
    const auto step = step_in_log(id);
    if (!step || links_.step_of_node.contains(id) || links_.node_id_of_step.contains(*step)) return;
    links_.step_of_node[id] = *step;
    links_.node_id_of_step[*step] = id;
  }

  const std::vector<StepFolder>& steps_;
  const RunLog& log_;
  std::map<std::string, std::size_t> positions_;
  Links links_;
};

}  // namespace

Result<std::vector<Node>> read_nodes(std::string_view document, const std::string& file, Problems& problems) {
  auto found = member_text(document, "nodes");
  if (!found) return std::move(found.error()).in(file);
  std::vector<Node> nodes;
  std::set<std::int64_t> ids;
  for (const JsonMember& member : member_texts(found->text)) {
    const std::string place = file + ", node " + member.key;
    auto node = read_node({member.value.text, member.value.offset + found->offset});
    if (!node) {
      ASSAY_TRY(problems.add(std::move(node.error()).in(place)));
    } else if (std::to_string(node->id) != member.key || !ids.insert(node->id).second) {
      ASSAY_TRY(problems.add({Fault::malformed,
                              "expected the id that it is listed under, found " + std::to_string(node->id),
                              place + ", field \"id\"", ""}));
    } else {
      nodes.push_back(std::move(*node));
    }
  }
  return nodes;
}

Links link_nodes(const std::vector<StepFolder>& steps, const std::vector<Node>& nodes, const RunLog& log) {
  return Linking(steps, log).link(nodes);
}

std::string name_of(const StepFolder& step, std::size_t position, const Links& links, const RunLog& log) {
  if (const auto node = links.node_of_step.find(position); node != links.node_of_step.end())
    return node->second->name;
  for (const Call& call : step.calls)
    if (const auto name = call.tags.find("name"); call.wrote_code && name != call.tags.end())
      return name->second;
  if (const auto id = links.node_id_of_step.find(position); id != links.node_id_of_step.end())
    if (const auto added = log.nodes.find(id->second); added != log.nodes.end()) return added->second.name;
  return "";
}

}  // namespace assay::archives::asi_evolve
