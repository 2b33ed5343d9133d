#include "verify/decisions/asi_evolve_log.hpp"

#include <charconv>

#include "toolkit/base/text.hpp"

namespace assay::verify::evolve {

namespace {

class LogReader {
 public:
  explicit LogReader(Record& record) : record_(record) {
    for (Step& step : record.steps) steps_[step.id] = &step;
  }

  void read(std::string_view log) {
    for (const std::string_view line : split_lines(log)) {
      const auto level = line.find("] [");
      if (!line.starts_with('[') || level == line.npos) continue;
      const auto end = line.find("] ", level + 3);
      if (end != line.npos) message(line.substr(end + 2));
    }
    record_.has_log = true;
    record_.sequential = sequential_ && !parallel_;
    if (!record_.sequential)
      for (Step& step : record_.steps) step.log = {};
  }

 private:
  static bool take(std::string_view& text, std::string_view word) {
    if (!text.starts_with(word)) return false;
    text.remove_prefix(word.size());
    return true;
  }

  static std::optional<std::int64_t> number(std::string_view& text) {
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
  }

  // "NAME (score=S)"
  static std::optional<std::pair<std::string, std::string>> name_and_score(std::string_view text) {
    const auto at = text.rfind(" (score=");
    if (at == text.npos || !text.ends_with(')')) return std::nullopt;
    return std::pair(std::string(text.substr(0, at)), std::string(text.substr(at + 8, text.size() - at - 9)));
  }

  void message(std::string_view text) {
    sequential_ = sequential_ || text.starts_with("Starting sequential pipeline");
    parallel_ = parallel_ || text.starts_with("Starting parallel pipeline");
    if (take(text, "=== Step "))
      begin(number(text));
    else if (take(text, "Found initial_program"))
      current_ = find("step_0_initial");
    else if (take(text, "Resuming experiment"))
      record_.resumed_after.push_back(last_);
    else if (take(text, "Updated best snapshot: "))
      snapshot(text);
    else if (take(text, "Added initial node ") || take(text, "Added node "))
      added(text);
    else if (current_)
      of_step(text);
  }

  void begin(std::optional<std::int64_t> step) {
    current_ = step ? find("step_" + std::to_string(*step)) : nullptr;
  }

  Step* find(const std::string& id) {
    const auto at = steps_.find(id);
    return at == steps_.end() ? nullptr : at->second;
  }

  void of_step(std::string_view text) {
    StepLog& log = current_->log;
    if (take(text, "Sampled "))
      log.sampled = number(text);
    else if (take(text, "Retrieved "))
      log.retrieved = number(text);
    else if (take(text, "[Engineer] Eval score: "))
      log.eval_score = text;
    else if (take(text, "[Engineer] Completed in "))
      log.completed = text;
    else if (text.starts_with("[Engineer] Eval failed"))
      log.eval_failed = true;
    else if (take(text, "Best sampled node for comparison: "))
      if (auto best = name_and_score(text)) std::tie(log.best_sampled, log.best_sampled_score) = *best;
  }

  void added(std::string_view text) {
    const auto id = number(text);
    if (!id || !take(text, ": ")) return;
    if (auto node = name_and_score(text)) record_.added[*id] = {*id, node->first, node->second};
    last_ = std::max(last_, *id);
  }

  void snapshot(std::string_view text) {
    const auto slash = text.rfind('/');
    if (slash != text.npos) record_.best_logged.emplace_back(text.substr(slash + 1));
  }

  Record& record_;
  std::map<std::string, Step*> steps_;
  Step* current_ = nullptr;
  std::int64_t last_ = -1;
  bool sequential_ = false, parallel_ = false;
};

}  // namespace

void read_log(std::string_view text, Record& record) { LogReader(record).read(text); }

}  // namespace assay::verify::evolve
