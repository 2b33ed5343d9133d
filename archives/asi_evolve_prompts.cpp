// What stands in the prompts: knowledge, and the programs of other steps. For a step whose node was evicted,
// or that never had one, this is the only record of its parents.
#include <algorithm>

#include "archives/asi_evolve.hpp"
#include "archives/json_records.hpp"
#include "formats/fields.hpp"
#include "toolkit/base/parallel.hpp"
#include "toolkit/rules/tags.hpp"

namespace assay::archives::asi_evolve {

namespace {

constexpr std::size_t kTellingNumber =
    10;  // characters: a run time with all its digits, which no other step has
constexpr std::size_t kTellingName = 4;

class PromptReader {
 public:
  PromptReader(const fs::path& root, std::vector<StepFolder>& steps, const Links& links, const RunLog& log,
               const Knowledge& knowledge)
      : root_(root), steps_(steps), links_(links), log_(log), knowledge_(knowledge) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      codes_.emplace_back(rules::stripped(steps[i].code));
      step_names_.push_back(name_of(steps[i], i, links, log));
      if (!codes_[i].empty()) names_.add(step_names_[i], static_cast<std::uint32_t>(i));
    }
  }

  /// Reads the prompts of step `i`; gives its parents.
  Result<Parents> read(std::size_t i) {
    StepFolder& step = steps_[i];
    std::vector<std::string> prompts;
    for (Call& call : step.calls) {
      prompts.push_back(prompt_of(ASSAY_TRY(read_call(root_, call.file))));
      for (const auto item : knowledge_.texts.find(prompts.back()))
        call.knowledge.push_back(knowledge_.ids[item]);
    }
    Parents parents = known_parents(i);
    std::vector<std::size_t> shown = positions(parents);
    if (!parents.steps)
      if (const auto found = first_prompt(step, prompts)) shown = prove(i, *found, parents);
    for (std::size_t c = 0; c < step.calls.size(); ++c)
      for (const std::size_t parent : shown)
        if (stands_in(parent, prompts[c])) step.calls[c].parents.push_back(steps_[parent].id);
    return parents;
  }

 private:
  Parents known_parents(std::size_t i) const {
    Parents parents;
    const auto node = links_.node_of_step.find(i);
    if (node != links_.node_of_step.end() && node->second->parents) {
      parents.from = "nodes.json";
      parents.steps.emplace();
      for (const std::int64_t id : *node->second->parents) add_parent(id, parents);
    } else if (const auto id = links_.node_id_of_step.find(i); id != links_.node_id_of_step.end() &&
                                                               steps_[i].id == "step_0_initial" &&
                                                               log_.nodes.contains(id->second)) {
      parents.from = "evolve.log";  // "Added initial node": the search starts from it
      parents.steps.emplace();
    }
    return parents;
  }

  void add_parent(std::int64_t id, Parents& parents) const {
    const auto at = links_.step_of_node.find(id);
    if (at == links_.step_of_node.end()) return parents.unmatched.push_back(id);
    const std::string& step = steps_[at->second].id;
    if (std::find(parents.steps->begin(), parents.steps->end(), step) == parents.steps->end())
      parents.steps->push_back(step);
  }

  std::vector<std::size_t> positions(const Parents& parents) const {
    std::vector<std::size_t> out;
    if (!parents.steps) return out;
    for (std::size_t i = 0; i < steps_.size(); ++i)
      if (std::find(parents.steps->begin(), parents.steps->end(), steps_[i].id) != parents.steps->end())
        out.push_back(i);
    return out;
  }

  static std::optional<std::string_view> first_prompt(const StepFolder& step,
                                                      const std::vector<std::string>& prompts) {
    for (std::size_t c = 0; c < step.calls.size(); ++c)
      if (step.calls[c].agent == "researcher") return prompts[c];
    return std::nullopt;
  }

  struct Shown {
    std::size_t at = 0, step = 0;
  };

  /// Steps before `i` whose name and program stand in the prompt, as they stand there. They are its parents
  /// where the log says that as many were sampled.
  std::vector<std::size_t> prove(std::size_t i, std::string_view prompt, Parents& parents) const {
    std::vector<Shown> shown;
    bool certain = true;
    const std::vector<Shown> standing = programs_in(prompt, i);
    for (const Shown& one : standing) {
      const bool alone = std::none_of(standing.begin(), standing.end(), [&](const Shown& other) {
        return other.step != one.step && codes_[other.step] == codes_[one.step];
      });
      const auto number = telling_number(steps_[one.step], prompt);
      if (alone || number)
        shown.push_back({number.value_or(one.at), one.step});
      else
        certain = certain && has_telling_number(steps_[one.step]);
    }
    std::sort(shown.begin(), shown.end(), [](const Shown& a, const Shown& b) { return a.at < b.at; });
    std::vector<std::size_t> out;
    for (const Shown& one : shown) out.push_back(one.step);
    const auto sampled = log_.sampled.find(steps_[i].id);
    if (certain && sampled != log_.sampled.end() &&
        sampled->second == static_cast<std::int64_t>(out.size())) {
      parents.from = "prompt";
      parents.steps.emplace();
      for (const std::size_t step : out) parents.steps->push_back(steps_[step].id);
    }
    return out;
  }

  /// Steps before `i` whose name stands in the prompt as a word of its own, and whose program stands there,
  /// not only as a part of a longer one: a program often holds the one that it was made from.
  std::vector<Shown> programs_in(std::string_view prompt, std::size_t i) const {
    std::vector<std::size_t> candidates;
    for (const std::uint32_t step : names_.find(prompt))
      if (before(step, i) && stands_as_word(step_names_[step], prompt)) candidates.push_back(step);
    std::stable_sort(candidates.begin(), candidates.end(),
                     [&](std::size_t a, std::size_t b) { return codes_[a].size() > codes_[b].size(); });
    std::vector<Shown> out;
    for (const std::size_t step : candidates)
      if (const auto at = free_place(prompt, step, out)) out.push_back({*at, step});
    return out;
  }

  std::optional<std::size_t> free_place(std::string_view prompt, std::size_t step,
                                        const std::vector<Shown>& longer) const {
    const std::string& code = codes_[step];
    for (std::size_t at = prompt.find(code); at != prompt.npos; at = prompt.find(code, at + 1)) {
      const bool within = std::any_of(longer.begin(), longer.end(), [&](const Shown& other) {
        const std::string& around = codes_[other.step];
        return around.size() > code.size() && at >= other.at && at + code.size() <= other.at + around.size();
      });
      if (!within) return at;
    }
    return std::nullopt;
  }

  static bool stands_as_word(std::string_view word, std::string_view text) {
    constexpr std::string_view kWord = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
      const bool begins = at == 0 || kWord.find(text[at - 1]) == kWord.npos;
      const std::size_t end = at + word.size();
      if (begins && (end == text.size() || kWord.find(text[end]) == kWord.npos)) return true;
    }
    return false;
  }

  bool before(std::size_t a, std::size_t b) const {
    return steps_[a].index && steps_[b].index && *steps_[a].index < *steps_[b].index;
  }

  /// Where a number of the step's results stands that tells it from a step with the same program.
  static std::optional<std::size_t> telling_number(const StepFolder& step, std::string_view prompt) {
    for (const auto& value : step.numbers) {
      if (value.metric != "eval_time" && value.metric != "runtime") continue;
      const auto at = value.text.size() >= kTellingNumber ? prompt.find(value.text) : prompt.npos;
      if (at != prompt.npos) return at;
    }
    return std::nullopt;
  }

  static bool has_telling_number(const StepFolder& step) {
    return std::any_of(step.numbers.begin(), step.numbers.end(), [](const auto& value) {
      return (value.metric == "eval_time" || value.metric == "runtime") &&
             value.text.size() >= kTellingNumber;
    });
  }

  bool stands_in(std::size_t step, std::string_view prompt) const {
    if (!codes_[step].empty() && prompt.find(codes_[step]) != prompt.npos) return true;
    return step_names_[step].size() >= kTellingName && prompt.find(step_names_[step]) != prompt.npos;
  }

  const fs::path& root_;
  std::vector<StepFolder>& steps_;
  const Links& links_;
  const RunLog& log_;
  const Knowledge& knowledge_;
  std::vector<std::string> codes_, step_names_;
  TextIndex names_;
};

}  // namespace

Result<std::vector<Parents>> read_prompts(const fs::path& root, std::vector<StepFolder>& steps,
                                          const Links& links, const RunLog& log, const Knowledge& knowledge) {
  PromptReader reader(root, steps, links, log, knowledge);
  std::vector<Parents> parents(steps.size());
  ASSAY_TRY(parallel_for(steps.size(), [&](std::size_t i) -> Status {
    parents[i] = ASSAY_TRY(reader.read(i));
    return {};
  }));
  return parents;
}

Result<Knowledge> read_knowledge(std::string_view document, const std::string& file, Problems& problems) {
  Knowledge knowledge;
  auto found = member_text(document, "items");
  if (!found) return std::move(found.error()).in(file);
  for (const JsonMember& member : member_texts(found->text)) {
    const std::string place = file + ", item " + member.key;
    auto item = parse_record({member.value.text, member.value.offset + found->offset});
    if (!item || !(*item)["content"].string()) {
      Error error =
          item ? Error{Fault::malformed, "expected a string, found " + formats::describe((*item)["content"]),
                       "field \"content\"", ""}
               : std::move(item.error());
      ASSAY_TRY(problems.add(std::move(error).in(place)));
      continue;
    }
    Json line = Json::object({{"id", member.key}, {"content", (*item)["content"]}});
    for (const char* key : {"source", "metadata"})
      if (!(*item)[key].is_null()) line.set(key, (*item)[key]);
    knowledge.lines += line.dump() + "\n";
    knowledge.texts.add(*(*item)["content"].string(), static_cast<std::uint32_t>(knowledge.ids.size()));
    knowledge.ids.push_back(member.key);
  }
  return knowledge;
}

}  // namespace assay::archives::asi_evolve
