// What ASI-Evolve (arXiv:2603.29640) decides between two answers: who is live, who is evicted, who is the
// best, and what its samplers compute. Pure functions with CPython's order of comparisons; the random draws
// themselves are not here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace assay::rules {

struct EvolveNode {
  std::int64_t id = 0;
  double score = 0;
  std::int64_t visits = 0;
};

/// database/database.py: the nodes in the order of their insertion, which is that of their ids.
class EvolveDatabase {
 public:
  explicit EvolveDatabase(std::optional<std::size_t> max_size) : max_size_(max_size) {}

  /// Adds a node; when the database is full, the one with the smallest (score, id) goes first, and is
  /// returned.
  std::optional<std::int64_t> add(std::int64_t id, double score);
  /// What add() would evict now; nothing while there is room.
  std::optional<std::int64_t> next_evicted() const;
  /// Takes out what the record shows to be gone.
  void remove(std::int64_t id);
  bool live(std::int64_t id) const;
  void visit(std::int64_t id);
  const std::vector<EvolveNode>& nodes() const { return nodes_; }

 private:
  std::optional<std::size_t> max_size_;
  std::vector<EvolveNode> nodes_;
};

/// database/algorithms/greedy.py: ids by score, descending; ties keep the order of insertion. The first `n`.
std::vector<std::int64_t> greedy_order(const std::vector<EvolveNode>& nodes, std::size_t n);

/// database/algorithms/ucb1.py: the values `(score - min)/range + c*sqrt(ln N / n_i)`, infinity for a node
/// without a visit; nothing where no visit was ever counted, for then the draw is uniform.
std::optional<std::vector<double>> ucb1_values(const std::vector<EvolveNode>& nodes, double c);
/// Ids by those values, descending, stable. The first `n`.
std::vector<std::int64_t> ucb1_order(const std::vector<EvolveNode>& nodes, const std::vector<double>& values,
                                     std::size_t n);

/// database/algorithms/island.py: the part that follows from the record.
class EvolveIslands {
 public:
  struct Settings {
    std::int64_t islands = 5, interval = 10;
    double rate = 0.1;
  };
  struct Migrant {
    std::int64_t node = 0, from = 0, to = 0;
  };

  explicit EvolveIslands(const Settings& settings);

  /// One call of sample(): migration first where it is due, then the rotation. Gives the island that was
  /// sampled and who migrated. `same_code(a, b)`: the two nodes have equal programs.
  template <typename SameCode>
  std::int64_t sample(const std::vector<EvolveNode>& live, const SameCode& same_code) {
    migrants_.clear();
    if (live.empty()) return current_;
    if (migration_due()) migrate(live, [&](std::int64_t a, std::int64_t b) { return same_code(a, b); });
    return rotate();
  }

  /// on_node_added: the node belongs to the island that is next to be sampled, or to the one that it names.
  /// Gives the island.
  std::int64_t add(std::int64_t id, std::optional<std::int64_t> named = std::nullopt);
  /// on_node_removed: from its own island alone; where it has migrated to, its id stays.
  void remove(std::int64_t id);

  /// A program that was stopped and started again: it knows which island a node was added to, and no more
  /// where one has migrated to.
  void reload(const std::vector<EvolveNode>& live);

  bool migration_due() const;
  const std::vector<Migrant>& migrants() const { return migrants_; }  ///< of the last sample()
  const std::vector<std::int64_t>& generations() const { return generations_; }
  std::int64_t last_migration() const { return last_migration_; }
  std::int64_t current() const { return current_; }
  const std::set<std::int64_t>& migrated() const { return migrated_; }
  /// The first node that an island ever had: what the program calls its best, and never replaces.
  const std::vector<std::optional<std::int64_t>>& first_nodes() const { return first_; }
  /// Live nodes of an island, in their order.
  std::vector<std::int64_t> members(std::int64_t island, const std::vector<EvolveNode>& live) const;
  std::optional<std::int64_t> island_of(std::int64_t id) const;

 private:
  std::int64_t rotate();
  template <typename SameCode>
  void migrate(const std::vector<EvolveNode>& live, const SameCode& same_code) {
    if (settings_.islands < 2) return;
    begin_migration();
    for (std::int64_t island = 0; island < settings_.islands; ++island)
      for (const std::int64_t migrant : best_of(island, live)) {
        if (migrated_.contains(migrant)) continue;
        for (const std::int64_t to :
             {(island + 1) % settings_.islands, (island + settings_.islands - 1) % settings_.islands}) {
          bool there = false;
          for (const std::int64_t other : members(to, live))
            there = there || other == migrant || same_code(other, migrant);
          if (there) continue;
          move(migrant, island, to);
        }
      }
  }
  void begin_migration();
  std::vector<std::int64_t> best_of(std::int64_t island, const std::vector<EvolveNode>& live) const;
  void move(std::int64_t node, std::int64_t from, std::int64_t to);

  Settings settings_;
  std::vector<std::set<std::int64_t>> islands_;
  std::vector<std::int64_t> generations_;
  std::vector<std::optional<std::int64_t>> first_;
  std::map<std::int64_t, std::int64_t> home_;
  std::set<std::int64_t> migrated_;
  std::vector<Migrant> migrants_;
  std::int64_t last_migration_ = 0, current_ = 0;
};

}  // namespace assay::rules
