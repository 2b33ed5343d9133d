// ASI-Arch (arXiv:2507.18074): little of its search is on record in what was published, and what a live
// campaign keeps is its agents' calls. docs/search-decisions.md has the rules with their source.
#include <algorithm>
#include <cmath>
#include <limits>

#include "toolkit/base/text.hpp"
#include "toolkit/rules/fitness.hpp"
#include "toolkit/rules/tags.hpp"
#include "verify/decisions/systems.hpp"
#include "verify/query/records.hpp"

namespace assay::verify {

namespace {

// All strings of a JSON value.
void strings_in(const Json& value, std::vector<std::string>& out) {
  if (value.string()) out.push_back(*value.string());
  for (const Json& item : value.items()) strings_in(item, out);
  for (const Json::Member& member : value.members()) strings_in(member.value, out);
}

class ArchDecisions {
 public:
  ArchDecisions(const DecisionInput& input, DecisionSink& sink)
      : input_(input), table_(input.view.table()), sink_(sink) {}

  Status run() {
    for (StepLine& line : ASSAY_TRY(read_steps(input_.items)))
      if (line.step.experiment) steps_[*line.step.experiment].push_back(std::move(line));
    for (const std::uint32_t row : in_order()) {
      const std::string id(table_.id(row));
      live(row, id);
      sampler(row, id);
      best(row, id);
      score(row, id);
      ASSAY_TRY(answer(id));
      const char* because =
          steps_.contains(id) ? "the template and the retrieval are not in the bundle" : kNoCalls;
      sink_.not_on_record(id, "prompt", because);
      sink_.not_on_record(id, "knowledge", because);
      if (const auto value = table_.score(row)) earlier_.push_back(*value);
    }
    return {};
  }

 private:
  static constexpr const char* kNoCalls = "the agents' calls were not published";

  // Candidates are numbered as they are inserted.
  std::vector<std::uint32_t> in_order() const {
    std::vector<std::uint32_t> rows(table_.size());
    for (std::uint32_t row = 0; row < table_.size(); ++row) rows[row] = row;
    std::stable_sort(rows.begin(), rows.end(), [&](std::uint32_t a, std::uint32_t b) {
      return table_.index(a).value_or(0) < table_.index(b).value_or(0);
    });
    return rows;
  }

  // Nobody is evicted: a parent is live if it was inserted before.
  void live(std::uint32_t row, const std::string& id) {
    if (!table_.parents_known(row)) return sink_.not_on_record(id, "live", "no parent is on record");
    for (const std::uint32_t parent : table_.parents(row)) {
      const std::string name(table_.parent_id(parent));
      const auto at = table_.parent_row(parent);
      if (!at) return sink_.not_on_record(id, "live", "the parent's own record is not in the bundle", name);
      const auto own = table_.index(row), before = table_.index(*at);
      if (!own || !before) return sink_.not_on_record(id, "live", "the order of insertion is not on record");
      if (*before >= *own)
        return sink_.different(id, "live", "its parent was inserted only later",
                               "a candidate before " + std::to_string(*own), name);
    }
    sink_.equal(id, "live", table_.parents(row).empty() ? "a first candidate" : "its parent");
  }

  // random.sample from the pool of the best, which is refreshed every 50 insertions; neither seed nor pool
  // was kept.
  void sampler(std::uint32_t row, const std::string& id) {
    if (!table_.parents_known(row)) return sink_.not_on_record(id, "sampler", "no parent is on record");
    if (table_.parents(row).empty()) return sink_.not_on_record(id, "sampler", "nobody was drawn");
    std::string rank;
    const auto parent = table_.parent_row(table_.parents(row).front());
    if (const auto value = parent ? table_.score(*parent) : std::nullopt) {
      const auto better =
          std::count_if(earlier_.begin(), earlier_.end(), [&](double other) { return other > *value; });
      rank = "the parent's score was number " + std::to_string(better + 1) + " of " +
             std::to_string(earlier_.size()) + " then";
    }
    sink_.not_on_record(id, "sampler",
                        "drawn by Python's generator from a pool of the best, neither of which is on record",
                        rank);
  }

  void best(std::uint32_t row, const std::string& id) {
    const auto value = table_.score(row);
    if (!value) return sink_.not_on_record(id, "best", "no score is on record");
    const bool better = *value > best_;
    if (better) best_ = *value;
    sink_.not_on_record(id, "best", "the system keeps no history of the best",
                        better ? "the best so far" : "not the best so far");
  }

  // The judge's mark is a third of the score, and was not kept; and the sealed numbers are of another stage.
  void score(std::uint32_t row, const std::string& id) {
    const auto value = table_.score(row);
    if (!value) return sink_.not_on_record(id, "score", "no score is on record");
    const double lowest = rules::AsiArchFitness::lowest(), highest = rules::AsiArchFitness::highest();
    const std::string range = Json(lowest).dump() + " to " + Json(highest).dump();
    if (!std::isnan(*value) && (*value < lowest || *value > highest))
      return sink_.different(id, "score", "no loss, benchmark and mark give this score", range,
                             Json(*value).dump());
    sink_.not_on_record(id, "score",
                        "the judge's mark, and the numbers of the stage that was scored, are not on record",
                        range);
  }

  Result<bool> answers_hold(const StepLine& line, const std::string& program) const {
    if (!line.step.transcript) return false;
    const auto transcript = ASSAY_TRY(read_if_present(input_.items, *line.step.transcript));
    if (!transcript) return false;
    std::vector<std::string> texts;
    if (const auto json = Json::parse(*transcript, {.python_numbers = true}))
      strings_in((*json)["output"], texts);
    else
      for (const std::string_view one : split_lines(*transcript))
        if (const auto each = Json::parse(one, {.python_numbers = true}))
          strings_in((*each)["output"], texts);
    return std::any_of(texts.begin(), texts.end(),
                       [&](const std::string& text) { return text.find(program) != text.npos; });
  }

  // The stored program stands in an answer of an agent that writes programs; the parent's in its prompt.
  Status answer(const std::string& id) {
    const auto found = steps_.find(id);
    if (found == steps_.end()) {
      sink_.not_on_record(id, "answer", kNoCalls);
      sink_.not_on_record(id, "parents", kNoCalls);
      return {};
    }
    const auto experiment = read_experiment(input_.items, id);
    const auto program = experiment && experiment->files.contains("program")
                             ? ASSAY_TRY(read_if_present(input_.items, experiment->files.at("program")))
                             : std::nullopt;
    bool wrote = false, holds = false, parent_shown = false;
    for (const StepLine& line : found->second) {
      const auto& writes = line.step.writes;
      parent_shown = parent_shown || !line.step.reads_parents.empty();
      if (!program || std::find(writes.begin(), writes.end(), "program") == writes.end()) continue;
      wrote = true;
      holds = holds || ASSAY_TRY(answers_hold(line, std::string(rules::stripped(*program))));
    }
    if (!program || !wrote)
      sink_.not_on_record(id, "answer", "no answer that wrote a program is on record");
    else if (holds)
      sink_.equal(id, "answer", "the program stands in an answer");
    else
      sink_.different(id, "answer", "the stored program stands in no answer", *program);
    if (parent_shown)
      sink_.equal(id, "parents", "the parent's program stands in a prompt");
    else
      sink_.not_on_record(id, "parents", "no prompt on record shows the parent's whole program");
    return {};
  }

  const DecisionInput& input_;
  const formats::CampaignTable& table_;
  DecisionSink& sink_;
  std::map<std::string, std::vector<StepLine>> steps_;
  std::vector<double> earlier_;
  double best_ = -std::numeric_limits<double>::infinity();
};

}  // namespace

Status recompute_asi_arch(const DecisionInput& input, DecisionSink& sink) {
  return ArchDecisions(input, sink).run();
}

}  // namespace assay::verify
