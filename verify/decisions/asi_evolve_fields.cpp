// What ASI-Evolve writes of an experiment beside program and score: success, run time, the judge's mark,
// every number that the evaluator gave. The analyzer's prompt shows them all, of evicted nodes too; they are
// held against results.json, the log and nodes.json. And answers against the exchanges of a record of the
// same run.
#include <algorithm>
#include <cstdio>

#include "toolkit/base/text.hpp"
#include "toolkit/rules/diff_blocks.hpp"
#include "toolkit/rules/tags.hpp"
#include "verify/decisions/asi_evolve_rules.hpp"

namespace assay::verify::evolve {

namespace {

constexpr const char* kKind = "fields";
// Of the engineer's own making; all others are the evaluator's.
constexpr std::string_view kOwn[] = {"temp", "success", "score", "runtime", "judge_score"};

bool is_own(std::string_view name) {
  return std::find(std::begin(kOwn), std::end(kOwn), name) != std::end(kOwn);
}

const Call* call_of(const Step& step, std::string_view name) {
  const Call* last = nullptr;
  for (const Call& call : step.calls)
    if (call.name == name) last = &call;
  return last;
}

// The engineer's result, as json.dumps(indent=2) puts it into the prompt; it alone has "temp".
Json shown_result(const std::string& prompt) {
  for (std::size_t at = prompt.find("{\n"); at != prompt.npos; at = prompt.find("{\n", at + 1)) {
    const auto end = prompt.find("\n}", at);
    if (end == prompt.npos) break;
    auto json = Json::parse(std::string_view(prompt).substr(at, end + 2 - at), {.python_numbers = true});
    if (json && json->find("temp") && json->find("score") && json->find("runtime")) return *std::move(json);
  }
  return {};
}

Json without_temp(const Json& result) {
  Json out = Json::object();
  for (const Json::Member& member : result.members())
    if (member.key != "temp") out.set(member.key, member.value);
  return out;
}

bool same(const Json& a, const Json& b) {
  const auto x = a.number(), y = b.number();
  return x && y ? *x == *y : a.dump_canonical() == b.dump_canonical();
}

class Fields {
 public:
  Fields(const Record& record, DecisionSink& sink) : record_(record), sink_(sink) {}

  void run() {
    for (const Step& step : record_.steps)
      if (step.number && step.node) of_step(step);
  }

 private:
  void of_step(const Step& step) {
    step_ = &step;
    equal_.clear();
    differs_ = false;
    const Call* analyzer = call_of(step, "analyzer");
    const Json shown = analyzer ? shown_result(analyzer->prompt) : Json();
    const auto live = record_.nodes.find(*step.node);
    node_ = live == record_.nodes.end() ? nullptr : &live->second;
    if (shown.is_object())
      result(without_temp(shown));
    else if (node_ && node_->results.is_object() && node_->results.size() > 0)
      result(node_->results);
    else
      unknown("success, results", "neither nodes.json nor a prompt of the analyzer has the result");
    program(analyzer);
    motivation();
    if (node_) unknown("created_at", "when it was made");
    if (!differs_ && !equal_.empty()) sink_.equal(step.id, kKind, join(equal_, ", "));
  }

  void hold(const std::string& field, const Json& expected, const Json& found) {
    if (same(expected, found)) return equal_.push_back(field);
    differ(field, expected.dump(), found.dump());
  }
  void differ(const std::string& field, const std::string& expected, const std::string& found) {
    differs_ = true;
    sink_.different(step_->id, kKind, field + " is not what follows from the record", expected, found);
  }
  void unknown(const std::string& field, const std::string& because) {
    sink_.not_on_record(step_->id, kKind, field + ": " + because);
  }

  void result(const Json& result) {
    if (node_) node(result);
    left(result);
    logged(result);
    if (node_ && node_->results.is_object()) hold("results.score", node_->score, result["score"]);
    const Call* judge = call_of(*step_, "engineer_judge");
    if (judge && result.find("judge_score"))
      hold("results.judge_score", judge_mark(*step_).value_or(0), result["judge_score"]);
  }

  // results and meta_info are taken from the engineer's result.
  void node(const Json& result) {
    for (const Json::Member& member : result.members())
      hold("results." + member.key, member.value, node_->results[member.key]);
    for (const Json::Member& member : node_->results.members())
      if (!result.find(member.key)) differ("results." + member.key, "none", member.value.dump());
    const Json& meta = node_->meta;
    hold("meta_info.success", result["success"], meta["success"]);
    hold("meta_info.runtime", result["runtime"], meta["runtime"]);
    const Json* evaluation = result.find("eval_score");
    hold("meta_info.eval_score", evaluation ? *evaluation : Json(0.0), meta["eval_score"]);
    if (const Json* mark = result.find("judge_score"))
      hold("meta_info.judge_score", *mark, meta["judge_score"]);
    if (meta.find("error")) hold("meta_info.error", result["error"], meta["error"]);
    for (const Json::Member& member : meta.members()) {
      constexpr std::string_view kHeld[] = {"success", "runtime", "eval_score", "judge_score",
                                            "error",   "island",  "migrant"};
      if (std::find(std::begin(kHeld), std::end(kHeld), member.key) == std::end(kHeld))
        unknown("meta_info." + member.key, "there is no rule for it");
    }
  }

  // What the evaluator left in results.json counts where its script ended well.
  void left(const Json& result) {
    if (!step_->results.is_object()) {
      if (result.find("eval_score")) differ("results", "none: there is no results.json", result.dump());
      return;
    }
    if (!result.find("eval_score")) {
      const bool failed = !result["success"].boolean().value_or(true) && result["score"].number() == 0.0;
      if (failed && (!record_.sequential || step_->log.eval_failed))
        equal_.emplace_back("results of a script that failed");
      else
        differ("results", step_->results.dump(), result.dump());
      return;
    }
    hold("success", step_->results["success"].boolean().value_or(false), result["success"]);
    for (const Json::Member& member : step_->results.members())
      if (!is_own(member.key)) hold("results.json, " + member.key, member.value, result[member.key]);
    for (const Json::Member& member : result.members())
      if (!is_own(member.key) && !step_->results.find(member.key))
        differ("results.json, " + member.key, member.value.dump(), "none");
  }

  // "Completed in 0.44s, success=True, final_score=0.9598": of steps that ran one after the other.
  void logged(const Json& result) {
    const std::string& found = step_->log.completed;
    if (found.empty()) return;
    char seconds[64];
    std::snprintf(seconds, sizeof seconds, "%.2f", result["runtime"].number().value_or(0));
    const std::string expected = std::string(seconds) + "s, success=" +
                                 (result["success"].boolean().value_or(false) ? "True" : "False") +
                                 ", final_score=" + logged_score(result["score"].number().value_or(0));
    hold("what the log says of its run", expected, found);
  }

  // The analyzer is shown the program.
  void program(const Call* analyzer) {
    const std::string code = node_ ? node_->code : step_->code.value_or("");
    const auto shown = rules::stripped(code);
    if (!analyzer || shown.empty() || !shows_programs())
      return unknown("program", "no prompt of the analyzer shows it");
    if (analyzer->prompt.find(shown) == std::string::npos)
      differ("program", "what the analyzer was shown", std::string(shown));
    else
      equal_.emplace_back("program");
  }

  // Whether the template shows them is what most of its prompts do.
  bool shows_programs() {
    if (shows_) return *shows_;
    std::size_t asked = 0, there = 0;
    for (const Step& step : record_.steps)
      if (const Call* call = call_of(step, "analyzer"); call && step.code) {
        ++asked;
        there += call->prompt.find(rules::stripped(*step.code)) != std::string::npos;
      }
    shows_ = 2 * there > asked;
    return *shows_;
  }

  // Of an evicted node: it stands in its own answer, and in prompts that show the node (kind "parents").
  void motivation() {
    if (node_ || step_->initial) return;
    for (const Step& later : record_.steps)
      if (later.parents &&
          std::find(later.parents->begin(), later.parents->end(), *step_->node) != later.parents->end())
        return;
    unknown("motivation", "the node was evicted before any prompt showed it");
  }

  const Record& record_;
  DecisionSink& sink_;
  const Step* step_ = nullptr;
  const Node* node_ = nullptr;  // while it is live
  std::vector<std::string> equal_;
  bool differs_ = false;
  std::optional<bool> shows_;
};

// What the model said, where the exchanges were recorded.
void recompute_exchanges(const Record& record, DecisionSink& sink) {
  if (!record.answers) return;
  for (const Step& step : record.steps) {
    std::size_t known = 0;
    for (const Call& call : step.calls) {
      if (record.answers->contains(std::string(rules::stripped(call.answer)))) {
        ++known;
        continue;
      }
      sink.different(step.id, "answer", "no exchange of the record has the answer of the call " + call.name,
                     "", call.answer);
    }
    if (known > 0 && known == step.calls.size())
      sink.equal(step.id, kKind, "the answers of " + counted(known, "call") + ", as exchanges have them");
  }
}

}  // namespace

void recompute_fields(const Record& record, DecisionSink& sink) {
  Fields(record, sink).run();
  recompute_exchanges(record, sink);
}

}  // namespace assay::verify::evolve
