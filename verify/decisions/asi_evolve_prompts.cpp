// What stands in the prompts of an ASI-Evolve run: the parents that the sampler picked, and knowledge.
#include <algorithm>
#include <array>

#include "toolkit/base/text.hpp"
#include "toolkit/rules/tags.hpp"
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
      sink_.not_on_record(step.id, "prompt", "its template is not in the bundle");
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

  const Record& record_;
  DecisionSink& sink_;
  std::map<std::int64_t, Shown> texts_;
  std::array<bool, 4> shows_{};
};

}  // namespace

void recompute_prompts(const Record& record, const SealedTree&, const Settings&, DecisionSink& sink) {
  Prompts(record, sink).run();
}

}  // namespace assay::verify::evolve
