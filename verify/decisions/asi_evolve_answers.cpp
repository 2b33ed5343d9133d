// What the language model answered against what was stored, and the scores, of an ASI-Evolve run.
#include <algorithm>
#include <cmath>

#include "formats/campaign.hpp"
#include "toolkit/rules/diff_blocks.hpp"
#include "toolkit/rules/fitness.hpp"
#include "toolkit/rules/tags.hpp"
#include "verify/decisions/asi_evolve_rules.hpp"

namespace assay::verify::evolve {

namespace {

struct Parsed {
  std::string name, motivation, code;
};

// What an answer comes to: a node's texts, a failure that leaves no node, or why it cannot be told.
struct Outcomes {
  std::optional<Parsed> parsed;
  std::string because;
  bool failed = false;
};

std::optional<std::string> code_of_node(const Record& record, std::int64_t id) {
  if (const auto node = record.nodes.find(id); node != record.nodes.end()) return node->second.code;
  const Step* step = record.step_of(id);
  if (!step) return std::nullopt;
  return step->code ? step->code : step->best_code;
}

Outcomes parse_full(const Call& call, const Settings& settings) {
  auto tags = rules::parse_tags(rules::stripped(call.answer));
  if (tags.empty()) return {std::nullopt, "", true};
  return {Parsed{tags["name"], tags["motivation"],
                 std::string(rules::first_characters(tags["code"], settings.longest_code))},
          "", false};
}

Outcomes parse_diff(const Record& record, const Step& step, const Call& call, const Settings& settings) {
  const auto blocks = rules::diff_blocks(call.answer);
  if (blocks.empty()) return {std::nullopt, "", true};
  if (!step.parents || step.parents->empty())
    return {std::nullopt, "which program the diff was made to is not proved", false};
  const auto base = code_of_node(record, step.parents->front());
  if (!base) return {std::nullopt, "the program that the diff was made to is not on record", false};
  const auto code = rules::apply_blocks(*base, blocks);
  if (!code) return {std::nullopt, "", true};
  Parsed out{rules::first_tag(call.answer, "name").value_or("diff_modification"),
             rules::first_tag(call.answer, "motivation").value_or(""),
             std::string(rules::first_characters(*code, settings.longest_code))};
  return {std::move(out), "", false};
}

class Answers {
 public:
  Answers(const Record& record, const Settings& settings, DecisionSink& sink)
      : record_(record), settings_(settings), sink_(sink) {}

  void run() {
    for (const Step& step : record_.steps) {
      if (!step.number) continue;
      if (!step.initial) researcher(step);
      analyzer(step);
    }
  }

 private:
  void researcher(const Step& step) {
    const Call* call = step.researcher();
    if (!call) return sink_.not_on_record(step.id, "answer", "no call of the researcher is on record");
    if (!fell_back_rightly(step, *call)) return;
    const bool diff = call->name == "researcher_diff";
    const Outcomes outcome =
        diff ? parse_diff(record_, step, *call, settings_) : parse_full(*call, settings_);
    if (!outcome.because.empty()) return sink_.not_on_record(step.id, "answer", outcome.because);
    if (outcome.failed) return no_program(step);
    stored(step, *outcome.parsed);
  }

  // A diff that does not apply is asked for again as a whole program; one that does is not.
  bool fell_back_rightly(const Step& step, const Call& last) {
    if (last.name == "researcher_diff") return true;
    for (const Call& call : step.calls) {
      if (call.name != "researcher_diff") continue;
      const Outcomes outcome = parse_diff(record_, step, call, settings_);
      if (!outcome.parsed) continue;
      sink_.different(step.id, "answer", "a whole program was asked for although the diff applies",
                      outcome.parsed->code, step.code.value_or(""));
      return false;
    }
    return true;
  }

  void no_program(const Step& step) {
    if (!step.code && !step.node) return sink_.equal(step.id, "answer", "no program: the answer holds none");
    sink_.different(step.id, "answer", "a program was stored that the answer does not hold", "no program",
                    step.code.value_or(""));
  }

  void stored(const Step& step, const Parsed& parsed) {
    const Node* node =
        step.node && record_.nodes.contains(*step.node) ? &record_.nodes.at(*step.node) : nullptr;
    if (!step.code && !node)
      return sink_.not_on_record(step.id, "answer", "the program that was stored is not in the bundle",
                                 parsed.code);
    if (node && node->code != parsed.code)
      return sink_.different(step.id, "answer", "the node's program is not the answer's", parsed.code,
                             node->code);
    // Releases from 0.1.4 on take Markdown fences off a program before they write it.
    if (step.code && *step.code != parsed.code && parsed.code.find("```") == parsed.code.npos)
      return sink_.different(step.id, "answer", "the step's program is not the answer's", parsed.code,
                             *step.code);
    if (node && node->motivation != parsed.motivation)
      return sink_.different(step.id, "answer", "the node's motivation is not the answer's",
                             parsed.motivation, node->motivation);
    const std::string name = step.node ? record_.name_of(*step.node) : "";
    if (!name.empty() && name != parsed.name)
      return sink_.different(step.id, "answer", "the node's name is not the answer's", parsed.name, name);
    sink_.equal(step.id, "answer", parsed.name);
  }

  void analyzer(const Step& step) {
    const Call* call = nullptr;
    for (const Call& one : step.calls)
      if (one.name == "analyzer") call = &one;
    if (!call)
      return sink_.not_on_record(step.id, "analysis",
                                 step.code || step.initial ? "no call of the analyzer is on record"
                                                           : "the step made no program to analyse");
    auto tags = rules::parse_tags(rules::stripped(call->answer));
    const std::string analysis = tags["analysis"];
    if (tags.size() == 1 && analysis.empty())
      return sink_.not_on_record(step.id, "analysis", "the answer holds no analysis");
    if (step.node && record_.nodes.contains(*step.node))
      return sink_.compare(step.id, "analysis", "the node's analysis is not the answer's", analysis,
                           record_.nodes.at(*step.node).analysis);
    shown_later(step, analysis);
  }

  // The node is gone: its analysis stands in the prompts of the steps that it was shown to.
  void shown_later(const Step& step, const std::string& analysis) {
    std::size_t shown = 0, without = 0;
    for (const Step& later : record_.steps) {
      if (!step.node || !later.parents ||
          std::find(later.parents->begin(), later.parents->end(), *step.node) == later.parents->end())
        continue;
      for (const Call& call : later.calls)
        if (call.name.starts_with("researcher"))
          ++(call.prompt.find(analysis) != call.prompt.npos ? shown : without);
    }
    if (shown > 0 && without == 0) return sink_.equal(step.id, "analysis", analysis);
    if (shown > 0)
      return sink_.different(step.id, "analysis", "prompts show another analysis of the node", analysis);
    sink_.not_on_record(step.id, "analysis",
                        "the node was evicted, and no prompt on record shows its analysis", analysis);
  }

  const Record& record_;
  const Settings& settings_;
  DecisionSink& sink_;
};

// ---- scores

// The evaluator's number: of results.json, 0 where it left none.
std::optional<double> evaluation_of(const Step& step) {
  const std::optional<double> number = step.results["eval_score"].number();
  if (!number) return 0.0;
  // A program that fails after it has written its results counts as 0; the log alone tells.
  if (step.log.eval_failed && step.log.eval_score == "0.0000") return 0.0;
  return number;
}

std::optional<double> computed_score(const Step& step, const Settings& settings, std::string& because) {
  const auto evaluation = evaluation_of(step);
  if (!settings.judge || !step.results["success"].boolean().value_or(false)) return evaluation;
  const auto mark = judge_mark(step);
  if (!mark) {
    because = "the judge's answer is not on record";
    return std::nullopt;
  }
  return rules::asi_evolve_score(*evaluation, *mark, settings.judge_ratio);
}

void judge_score(const Record& record, const Settings& settings, const Step& step, DecisionSink& sink) {
  std::string because;
  const auto expected = computed_score(step, settings, because);
  if (!expected) return sink.not_on_record(step.id, "score", because);
  const std::string text = Json(*expected).dump();
  const auto node = record.nodes.find(*step.node);
  const auto logged = record.added.find(*step.node);
  if (node != record.nodes.end()) {
    if (node->second.score != *expected && !(std::isnan(*expected) && std::isnan(node->second.score)))
      return sink.different(step.id, "score", "nodes.json has another score", text,
                            Json(node->second.score).dump());
    const auto meta = node->second.meta["eval_score"].number();
    if (meta && *meta != evaluation_of(step).value_or(*meta))
      return sink.different(step.id, "score", "nodes.json has another eval_score",
                            Json(*evaluation_of(step)).dump(), Json(*meta).dump());
  }
  if (logged != record.added.end() && logged->second.score != logged_score(*expected))
    return sink.different(step.id, "score", "the log has another score", logged_score(*expected),
                          logged->second.score);
  if (node == record.nodes.end() && logged == record.added.end())
    return sink.not_on_record(step.id, "score", "the node is in neither nodes.json nor the log", text);
  sink.equal(step.id, "score", text);
}

}  // namespace

std::optional<double> judge_mark(const Step& step) {
  std::optional<double> mark;
  for (const Call& call : step.calls) {
    if (call.name != "engineer_judge") continue;
    auto tags = rules::parse_tags(rules::stripped(call.answer));
    const auto number = formats::parse_decimal(tags["score"]);
    mark = number ? std::max(0.0, std::min(100.0, *number)) : 0.0;
  }
  return mark;
}

Score score_of(const Record& record, const Settings& settings, std::int64_t node) {
  const Step* step = record.step_of(node);
  std::string because;
  if (step && step->results.is_object())
    if (const auto score = computed_score(*step, settings, because)) return {score, "results.json"};
  if (const auto live = record.nodes.find(node); live != record.nodes.end())
    return {live->second.score, "nodes.json"};
  if (step && !step->results_text && because.empty()) return {0.0, "no results"};
  return {};
}

void recompute_answers(const Record& record, const Settings& settings, DecisionSink& sink) {
  Answers(record, settings, sink).run();
}

void recompute_scores(const Record& record, const Settings& settings, DecisionSink& sink) {
  for (const Step& step : record.steps) {
    if (!step.number) continue;
    if (step.node)
      judge_score(record, settings, step, sink);
    else
      sink.not_on_record(
          step.id, "score",
          step.results_text ? "which node the step made is not proved" : "the step made no node");
  }
}

}  // namespace assay::verify::evolve
