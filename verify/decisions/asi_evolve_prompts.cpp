// What stands in the prompts of an ASI-Evolve run: the parents that the sampler picked, and knowledge.
#include <algorithm>
#include <array>

#include "toolkit/base/text.hpp"
#include "toolkit/rules/tags.hpp"
#include "toolkit/rules/template_text.hpp"
#include "verify/decisions/asi_evolve_rules.hpp"

namespace assay::verify::evolve {

namespace {

// The texts of a node that templates show. Which of them this run's template shows is told by its prompts
// themselves.
struct Shown {
  std::array<std::string, 4> texts;  // name, motivation, analysis, program
};
constexpr std::array<const char*, 4> kShownTexts = {"name", "motivation", "analysis", "program"};

class Prompts {
 public:
  Prompts(const Record& record, DecisionSink& sink) : record_(record), sink_(sink) {}

  /// What the templates of the run and its task were.
  Status read(const SealedTree& tree) {
    task_ = ASSAY_TRY(tree.read("input.md"));
    for (const char* name : {"researcher", "researcher_diff"})
      if (auto text = ASSAY_TRY(tree.read("prompts/" + std::string(name) + ".jinja2")))
        templates_[name] = *std::move(text);
    return {};
  }

  void run() {
    learn();
    for (const Step& step : record_.steps) {
      if (!step.number || step.initial) continue;
      const Call* call = first(step);
      if (!call) {
        for (const char* kind : {"parents", "knowledge", "prompt"})
          sink_.not_on_record(step.id, kind, "no call of the researcher is on record");
        continue;
      }
      parents(step, *call);
      knowledge(step, *call);
      prompt(step, *call);
    }
  }

 private:
  static const Call* first(const Step& step) {
    for (const Call& call : step.calls)
      if (call.name.starts_with("researcher")) return &call;
    return nullptr;
  }

  // The texts of a node as they were when it was shown: of nodes.json, or of its own step's answers.
  const Shown& texts_of(std::int64_t id) {
    const auto [at, fresh] = texts_.try_emplace(id);
    if (!fresh) return at->second;
    Shown& out = at->second;
    if (const auto node = record_.nodes.find(id); node != record_.nodes.end()) {
      out.texts = {node->second.name, node->second.motivation, node->second.analysis, node->second.code};
      return out;
    }
    const Step* step = record_.step_of(id);
    if (!step) return out;
    out.texts[0] = record_.name_of(id);
    if (const Call* call = step->researcher())
      out.texts[1] = rules::parse_tags(rules::stripped(call->answer))["motivation"];
    for (const Call& call : step->calls)
      if (call.name == "analyzer") out.texts[2] = rules::parse_tags(rules::stripped(call.answer))["analysis"];
    out.texts[3] = step->code ? *step->code : step->best_code.value_or("");
    return out;
  }

  // A text that most prompts show of most parents is one that the template shows.
  void learn() {
    std::array<std::size_t, 4> there{}, asked{};
    for (const Step& step : record_.steps) {
      const Call* call = first(step);
      if (!call || !step.parents) continue;
      for (const std::int64_t parent : *step.parents)
        for (std::size_t i = 0; i < kShownTexts.size(); ++i) {
          const std::string& text = texts_of(parent).texts[i];
          if (text.empty()) continue;
          ++asked[i];
          there[i] += call->prompt.find(text) != call->prompt.npos;
        }
    }
    for (std::size_t i = 0; i < kShownTexts.size(); ++i) shows_[i] = asked[i] > 0 && there[i] * 2 > asked[i];
  }

  // Every parent's texts stand in the prompt, in the order in which the parents were drawn.
  void parents(const Step& step, const Call& call) {
    if (!step.parents)
      return sink_.not_on_record(step.id, "parents", "whom the step was shown is not proved");
    if (std::none_of(shows_.begin(), shows_.end(), [](bool shows) { return shows; }))
      return sink_.not_on_record(step.id, "parents", "the prompts show no text of a node");
    std::size_t at = 0;
    for (const std::int64_t parent : *step.parents) {
      const Shown& shown = texts_of(parent);
      std::size_t end = at;
      for (std::size_t i = 0; i < kShownTexts.size(); ++i) {
        const std::string& text = shown.texts[i];
        if (!shows_[i] || text.empty()) continue;
        const auto place = call.prompt.find(text, at);
        if (place == call.prompt.npos)
          return sink_.different(step.id, "parents",
                                 std::string("the prompt does not show the ") + kShownTexts[i] + " of node " +
                                     std::to_string(parent) + " in its place",
                                 shorten(text, 200), ids_text(*step.parents));
        end = std::max(end, place + (i == 3 ? text.size() : 0));
      }
      at = end;
    }
    if (step.log.sampled && *step.log.sampled != static_cast<std::int64_t>(step.parents->size()))
      return sink_.different(step.id, "parents", "the log says that another number was shown",
                             std::to_string(*step.log.sampled), ids_text(*step.parents));
    sink_.equal(step.id, "parents", ids_text(*step.parents));
  }

  static std::size_t occurrences(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
    return count;
  }

  // How often each item stands in the prompt; the log says how many were retrieved. Why these were is a
  // matter of embeddings.
  void knowledge(const Step& step, const Call& call) {
    std::size_t count = 0;
    std::vector<std::pair<std::size_t, std::string>> items;
    for (const auto& [id, content] : record_.knowledge) {
      if (content.empty()) continue;
      count += occurrences(call.prompt, content);
      if (const auto at = call.prompt.find(content); at != call.prompt.npos) items.emplace_back(at, id);
    }
    std::sort(items.begin(), items.end());
    std::vector<std::string> ids;
    for (auto& [at, id] : items) ids.push_back(std::move(id));
    const std::string which = ids.empty() ? "none" : join(ids, ", ");
    if (!step.log.retrieved)
      return sink_.not_on_record(step.id, "knowledge",
                                 "the log does not say how many items were retrieved for this step", which);
    if (*step.log.retrieved != static_cast<std::int64_t>(count))
      return sink_.different(step.id, "knowledge", "not as many items stand in the prompt as were retrieved",
                             std::to_string(*step.log.retrieved), std::to_string(count) + ": " + which);
    sink_.equal(step.id, "knowledge", which);
  }

  // The nodes as the template sees them. Results of an evicted node lack what only the database knew, its run
  // time.
  Json node_values(std::int64_t id) {
    const Shown& shown = texts_of(id);
    Json out = Json::object({{"id", static_cast<long long>(id)},
                             {"name", shown.texts[0]},
                             {"motivation", shown.texts[1]},
                             {"analysis", shown.texts[2]},
                             {"code", shown.texts[3]}});
    const auto node = record_.nodes.find(id);
    const Step* step = record_.step_of(id);
    if (node != record_.nodes.end()) {
      out.set("results", node->second.results);
      out.set("score", node->second.score);
    } else if (step) {
      out.set("results", step->results);
      if (step->initial) out.set("motivation", "Initial program provided by user");
    }
    return out;
  }

  // Every item at each place where its text stands: which were retrieved, and in which order, is a matter of
  // embeddings.
  Json items_in(const std::string& prompt) const {
    std::map<std::size_t, std::string> places;
    for (const auto& [id, content] : record_.knowledge)
      for (auto at = content.empty() ? prompt.npos : prompt.find(content); at != prompt.npos;
           at = prompt.find(content, at + content.size()))
        places[at] = content;
    Json out = Json::array();
    for (const auto& [at, content] : places) out.push(Json::object({{"content", content}}));
    return out;
  }

  // The template of the run, given the parents and the knowledge on record, makes this prompt.
  void prompt(const Step& step, const Call& call) {
    if (call.name != "researcher_full" || !templates_.contains("researcher"))
      return sink_.not_on_record(step.id, "prompt",
                                 "its template is part of the program, and not in the bundle");
    if (!step.parents) return sink_.not_on_record(step.id, "prompt", "whom the step was shown is not proved");
    if (!task_) return sink_.not_on_record(step.id, "prompt", "the task, input.md, is not in the bundle");
    for (const std::int64_t parent : *step.parents)
      if (!record_.nodes.contains(parent) && !record_.step_of(parent))
        return sink_.not_on_record(step.id, "prompt",
                                   "a parent was evicted, and which step made it is not proved");
    Json nodes = Json::array();
    for (const std::int64_t parent : *step.parents) nodes.push(node_values(parent));
    const auto expected = rules::render_template(templates_.at("researcher"),
                                                 Json::object({{"task_description", *task_},
                                                               {"context_nodes", std::move(nodes)},
                                                               {"cognition_items", items_in(call.prompt)},
                                                               {"diff_based", false}}));
    if (!expected) return sink_.not_on_record(step.id, "prompt", expected.error().what);
    if (*expected == call.prompt) return sink_.equal(step.id, "prompt");
    std::size_t at = 0;
    while (at < expected->size() && at < call.prompt.size() && (*expected)[at] == call.prompt[at]) ++at;
    const std::size_t from = at > 40 ? at - 40 : 0;
    sink_.different(step.id, "prompt",
                    "the template makes another prompt, from byte " + std::to_string(at) + " on",
                    expected->substr(from, 120), call.prompt.substr(std::min(from, call.prompt.size()), 120));
  }

  const Record& record_;
  DecisionSink& sink_;
  std::optional<std::string> task_;
  std::map<std::string, std::string> templates_;
  std::map<std::int64_t, Shown> texts_;
  std::array<bool, 4> shows_{};
};

}  // namespace

Status recompute_prompts(const Record& record, const SealedTree& tree, DecisionSink& sink) {
  Prompts prompts(record, sink);
  ASSAY_TRY(prompts.read(tree));
  prompts.run();
  return {};
}

}  // namespace assay::verify::evolve
