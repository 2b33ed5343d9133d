// The second layout of ASI-Evolve, which its skills/evolve runner writes: round_log.jsonl, lines {timestamp,
// event, payload}. It has no transcripts; which step made a node is stored.
#include <algorithm>

#include "archives/asi_evolve.hpp"
#include "archives/json_records.hpp"

namespace assay::archives::asi_evolve {

namespace {

std::optional<std::size_t> position_of(const std::vector<StepFolder>& steps, std::string_view id) {
  const auto at =
      std::find_if(steps.begin(), steps.end(), [&](const StepFolder& step) { return step.id == id; });
  return at == steps.end() ? std::nullopt : std::optional(static_cast<std::size_t>(at - steps.begin()));
}

}  // namespace

Result<RunLog> read_rounds(std::string_view text, const std::string& file, std::vector<StepFolder>& steps,
                           Problems& problems) {
  RunLog log;
  std::vector<std::string> order;  // steps as they are first spoken of
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty()) continue;
    const auto json = parse_record({line, 0}, {.python_numbers = true});
    if (!json || !(*json)["event"].string()) {
      ASSAY_TRY(problems.add({Fault::malformed, "expected an object with an event",
                              file + ", line " + std::to_string(number), ""}));
      continue;
    }
    const Json& payload = (*json)["payload"];
    const std::string step(payload["step_name"].string_or(""));
    if (!step.empty() && position_of(steps, step) &&
        std::find(order.begin(), order.end(), step) == order.end())
      order.push_back(step);
    const auto id = payload["node_id"].integer();
    if (*(*json)["event"].string() != "db_record" || !id) continue;
    RunLog::Added added{std::string(payload["name"].string_or("")), payload["score"].dump(), std::nullopt};
    if (!step.empty()) added.step = step;
    log.nodes[*id] = std::move(added);
  }
  for (std::size_t i = 0; i < order.size(); ++i)
    if (StepFolder& step = steps[*position_of(steps, order[i])]; !step.index)
      step.index = static_cast<std::int64_t>(i + 1);
  return log;
}

}  // namespace assay::archives::asi_evolve
