// What OpenEvolve (PyPI openevolve 0.4) decides when a program is added to its database: who is displaced,
// evicted, archived and the best. Pure functions; which cell a program falls into comes from the record, for
// it rests on a random reference set.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace assay::rules {

struct OpenEvolveState {
  std::vector<std::pair<std::string, double>> programs;  ///< id and fitness, in the order of their addition
  std::vector<std::set<std::string>> islands;
  std::vector<std::map<std::string, std::string>> cells;  ///< of each island: cell -> program
  std::set<std::string> archive;
  std::string best;

  bool has(const std::string& id) const;
  double fitness(const std::string& id) const;  ///< 0 for one that is not there
};

struct OpenEvolveSettings {
  std::size_t population_size = 1000, archive_size = 100;
};

/// database.py, _add: `id` of `fitness` comes to `island`; `cell` is the one that it took there, empty if it
/// took none. False where two equal fitnesses in the archive leave open which of them goes (it is a set): the
/// archive is then not known.
bool open_evolve_add(OpenEvolveState& state, const OpenEvolveSettings& settings, const std::string& id,
                     double fitness, std::size_t island, const std::string& cell);

/// What migration needs to know of the record.
struct OpenEvolveCopies {
  struct Copy {
    std::string id, cell;  ///< cell: that it took, empty if none
  };
  std::function<bool(const std::string& id)> is_copy;  ///< a migrant itself, which goes no further
  std::function<std::string(const std::string& id)> code;
  /// The copy of `id` that came to `island`; nothing where the record has none.
  std::function<std::optional<Copy>(const std::string& id, std::size_t island)> copy;
};

struct OpenEvolveMigration {
  std::vector<std::pair<std::string, std::size_t>> moves;  ///< who was copied, and to which island
  std::string unknown;        ///< why it cannot be told; then the state is not what follows
  bool archive_known = true;  ///< as open_evolve_add()
};

/// database.py, migrate_programs: of each island the best `max(1, int(n * rate))` are copied to both
/// neighbours, where no program is equal.
OpenEvolveMigration open_evolve_migrate(OpenEvolveState& state, const OpenEvolveSettings& settings,
                                        double rate, const OpenEvolveCopies& copies);

}  // namespace assay::rules
