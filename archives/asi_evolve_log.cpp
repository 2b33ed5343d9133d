// logs/evolve.log: lines "[2026-11-21 17:51:31] [INFO] message". Step numbers are given when a step starts
// and node ids when it ends; where one step ran at a time the order of the lines joins them. With several at
// a time it does not: then a node is joined to a step only by a name that no other node and no other step
// has.
#include <algorithm>
#include <charconv>

#include "archives/asi_evolve.hpp"

namespace assay::archives::asi_evolve {

namespace {

std::optional<std::int64_t> number_after(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return std::nullopt;
  std::int64_t number = 0;
  const char* begin = text.data() + word.size();
  const auto [end, code] = std::from_chars(begin, text.data() + text.size(), number);
  if (code != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

/// ": NAME (score=S)"
std::optional<RunLog::Added> name_and_score(std::string_view text) {
  const auto at = text.rfind(" (score=");
  if (!text.starts_with(": ") || at == text.npos || at < 2 || !text.ends_with(')')) return std::nullopt;
  return RunLog::Added{std::string(text.substr(2, at - 2)),
                       std::string(text.substr(at + 8, text.size() - at - 9)), std::nullopt};
}

class LogParser {
 public:
  void line(std::string_view line) {
    const auto message = line.find("] [");
    if (!line.starts_with('[') || message == line.npos) return;
    const auto end = line.find("] ", message + 3);
    if (end == line.npos) return;
    read(line.substr(end + 2));
  }

  RunLog take(const std::vector<StepFolder>& steps) {
    if (!sequential_ || parallel_) join_by_name(steps);
    return std::move(log_);
  }

 private:
  void read(std::string_view text) {
    if (text.starts_with("Starting sequential pipeline")) sequential_ = true;
    if (text.starts_with("Starting parallel")) parallel_ = true;
    if (const auto step = number_after(text, "=== Step "); step && text.starts_with(" ==="))
      current_ = "step_" + std::to_string(*step);
    else if (const auto count = number_after(text, "Sampled ");
             count && text.starts_with(" context nodes") && !current_.empty())
      log_.sampled[current_] = *count;
    else if (const auto initial = number_after(text, "Added initial node "))
      add(*initial, text, "step_0_initial");
    else if (const auto id = number_after(text, "Added node "))
      add(*id, text, current_);
  }

  void add(std::int64_t id, std::string_view rest, const std::string& step) {
    auto added = name_and_score(rest);
    if (!added) return;
    if (!step.empty()) added->step = step;
    log_.nodes[id] = std::move(*added);
  }

  void join_by_name(const std::vector<StepFolder>& steps) {
    log_.sampled.clear();
    for (auto& node : log_.nodes) {
      RunLog::Added& added = node.second;
      if (added.step == "step_0_initial") continue;
      added.step.reset();
      const auto rivals = std::count_if(log_.nodes.begin(), log_.nodes.end(),
                                        [&](const auto& other) { return other.second.name == added.name; });
      if (rivals == 1) added.step = only_step(steps, added);
    }
  }

  static std::optional<std::string> only_step(const std::vector<StepFolder>& steps,
                                              const RunLog::Added& added) {
    std::optional<std::string> found;
    for (const StepFolder& step : steps) {
      if (!wrote_name(step, added.name)) continue;
      if (found) return std::nullopt;
      found = step.id;
    }
    return found;
  }

  static bool wrote_name(const StepFolder& step, const std::string& name) {
    return std::any_of(step.calls.begin(), step.calls.end(), [&](const Call& call) {
      const auto tag = call.tags.find("name");
      return call.wrote_code && tag != call.tags.end() && tag->second == name;
    });
  }

  RunLog log_;
  std::string current_;
  bool sequential_ = false, parallel_ = false;
};

}  // namespace

RunLog read_log(std::string_view text, const std::vector<StepFolder>& steps) {
  LogParser parser;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    parser.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parser.take(steps);
}

}  // namespace assay::archives::asi_evolve
