#include "toolkit/base/text.hpp"
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"

namespace assay::verify {

namespace {

struct Cycle {
  std::size_t length = 0;
  std::uint32_t first = 0;
  std::vector<std::uint32_t> rows;  // from its last row back, up to 8
};

// Cycles of parents. Iterative: a hostile lineage is as deep as it is long; and no cycle is copied whole,
// since many may share one long path.
class CycleSearch {
 public:
  explicit CycleSearch(const CampaignTable& table)
      : table_(table), state_(table.size(), State::unseen), next_(table.size()), depth_(table.size()) {}

  std::vector<Cycle> run() {
    for (std::uint32_t row = 0; row < table_.size(); ++row)
      if (state_[row] == State::unseen) descend(row);
    return std::move(cycles_);
  }

 private:
  enum class State : std::uint8_t { unseen, open, done };

  void enter(std::uint32_t row) {
    state_[row] = State::open;
    depth_[row] = static_cast<std::uint32_t>(path_.size());
    path_.push_back(row);
  }

  void descend(std::uint32_t start) {
    enter(start);
    while (!path_.empty()) {
      const std::uint32_t row = path_.back();
      const auto parents = table_.parents(row);
      if (next_[row] == parents.size()) {
        state_[row] = State::done;
        path_.pop_back();
        continue;
      }
      const auto parent = table_.parent_row(parents[next_[row]++]);
      if (!parent) continue;
      if (state_[*parent] == State::open) close(*parent);
      if (state_[*parent] == State::unseen) enter(*parent);
    }
  }

  void close(std::uint32_t first) {
    Cycle cycle{path_.size() - depth_[first], first, {}};
    for (std::size_t i = path_.size(); i-- > depth_[first] && cycle.rows.size() < 8;)
      cycle.rows.push_back(path_[i]);
    if (cycles_.size() < kFindingsKept) cycles_.push_back(std::move(cycle));
  }

  const CampaignTable& table_;
  std::vector<State> state_;
  std::vector<std::uint32_t> next_, depth_, path_;
  std::vector<Cycle> cycles_;
};

}  // namespace

void check_parents_exist(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  // A search that forgets experiments leaves such gaps by design; elsewhere a named parent must be there.
  const Severity severity =
      input.rules.system && input.rules.system->evicts ? Severity::warning : Severity::error;
  const UnreadExperiments unread(input.view);
  for (std::uint32_t row = 0; row < table.size(); ++row)
    for (const std::uint32_t parent : table.parents(row)) {
      if (table.parent_row(parent) || unread.has_record(table.parent_id(parent))) continue;
      sink.add(severity, id_of(table, row),
               "its parent " + std::string(table.parent_id(parent)) + " is not on record", "",
               std::string(table.parent_id(parent)));
    }
}

void check_parents_first(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  for (std::uint32_t row = 0; row < table.size(); ++row)
    for (const std::uint32_t parent : table.parents(row)) {
      const auto parent_row = table.parent_row(parent);
      const auto mine = table.index(row), theirs = parent_row ? table.index(*parent_row) : std::nullopt;
      if (!mine || !theirs || *theirs < *mine) continue;
      sink.add(Severity::error, id_of(table, row),
               "its parent " + std::string(table.parent_id(parent)) + " does not come before it",
               "index below " + std::to_string(*mine), std::to_string(*theirs));
    }
}

void check_cycles(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  for (const Cycle& cycle : CycleSearch(table).run()) {
    std::string path;
    for (const std::uint32_t row : cycle.rows) path += id_of(table, row) + " <- ";
    if (cycle.length > cycle.rows.size()) path += "... <- ";
    sink.add(Severity::error, id_of(table, cycle.first),
             "lineage turns in a circle of " + counted(cycle.length, "experiment") + ": " + path +
                 id_of(table, cycle.rows.front()));
  }
}

void check_tree(const CheckInput& input, FindingSink& sink) {
  if (input.rules.lineage != "tree") return;
  const CampaignTable& table = input.view.table();
  for (std::uint32_t row = 0; row < table.size(); ++row)
    if (table.parents(row).size() > 1)
      sink.add(Severity::error, id_of(table, row),
               "has more than one parent in a lineage that is said to be a tree", "1",
               std::to_string(table.parents(row).size()));
}

void check_roots(const CheckInput& input, FindingSink& sink) {
  if (input.rules.lineage != "tree") return;
  const CampaignTable& table = input.view.table();
  std::vector<std::uint32_t> roots;
  for (std::uint32_t row = 0; row < table.size(); ++row)
    if (table.parents_known(row) && table.parents(row).empty()) roots.push_back(row);
  if (roots.size() > 1)
    sink.add(Severity::note, "",
             "the lineage has " + counted(roots.size(), "root") + ": " + ids_of(table, roots), "1",
             std::to_string(roots.size()));
}

}  // namespace assay::verify
