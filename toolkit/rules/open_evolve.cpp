#include "toolkit/rules/open_evolve.hpp"

#include <algorithm>
#include <optional>

namespace assay::rules {

namespace {

bool owns_a_cell(const OpenEvolveState& state, const std::string& id) {
  for (const auto& cells : state.cells)
    for (const auto& [cell, owner] : cells)
      if (owner == id) return true;
  return false;
}

bool on_an_island(const OpenEvolveState& state, const std::string& id) {
  return std::any_of(state.islands.begin(), state.islands.end(),
                     [&](const auto& island) { return island.contains(id); });
}

void take_out(OpenEvolveState& state, const std::string& id) {
  std::erase_if(state.programs, [&](const auto& program) { return program.first == id; });
  for (auto& cells : state.cells) std::erase_if(cells, [&](const auto& cell) { return cell.second == id; });
  for (auto& island : state.islands) island.erase(id);
  state.archive.erase(id);
}

// _update_archive: the worst goes for a better one.
bool archive(OpenEvolveState& state, const OpenEvolveSettings& settings, const std::string& id,
             double fitness) {
  std::erase_if(state.archive, [&](const std::string& other) {
    return state.archive.size() >= settings.archive_size && !state.has(other);
  });
  if (state.archive.size() < settings.archive_size || state.archive.empty()) {
    state.archive.insert(id);
    return true;
  }
  const auto worse = [&](const std::string& a, const std::string& b) {
    return state.fitness(a) < state.fitness(b);
  };
  const std::string worst = *std::min_element(state.archive.begin(), state.archive.end(), worse);
  if (!(fitness > state.fitness(worst))) return true;
  const auto as_bad =
      std::count_if(state.archive.begin(), state.archive.end(),
                    [&](const std::string& other) { return state.fitness(other) == state.fitness(worst); });
  state.archive.erase(worst);
  state.archive.insert(id);
  return as_bad == 1;
}

// _enforce_population_limit: the least fit first, those that own no cell before those that do.
void limit(OpenEvolveState& state, const OpenEvolveSettings& settings, const std::string& added) {
  const bool orphan_best =
      state.has(state.best) && !on_an_island(state, state.best) && !owns_a_cell(state, state.best);
  const std::size_t count = state.programs.size() - (orphan_best ? 1 : 0);
  if (count <= settings.population_size) return;
  auto order = state.programs;
  std::erase_if(order,
                [&](const auto& program) { return program.first == state.best || program.first == added; });
  std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    const bool elite_a = owns_a_cell(state, a.first), elite_b = owns_a_cell(state, b.first);
    return elite_a != elite_b ? !elite_a : a.second < b.second;
  });
  order.resize(std::min(order.size(), count - settings.population_size));
  for (const auto& [id, fitness] : order) take_out(state, id);
}

// The best of an island; nothing where equal fitness leaves it to the order of a set.
std::optional<std::vector<std::string>> best_of(const OpenEvolveState& state, std::size_t island,
                                                double rate) {
  std::vector<std::pair<double, std::string>> members;
  for (const std::string& id : state.islands[island])
    if (state.has(id)) members.emplace_back(state.fitness(id), id);
  if (members.empty()) return std::vector<std::string>();
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  const auto share = static_cast<std::size_t>(static_cast<double>(members.size()) * rate);
  const std::size_t count = std::min(members.size(), std::max<std::size_t>(1, share));
  std::vector<std::string> best;
  for (std::size_t i = 0; i < count; ++i) {
    if (i + 1 < members.size() && members[i].first == members[i + 1].first) return std::nullopt;
    best.push_back(members[i].second);
  }
  return best;
}

}  // namespace

bool OpenEvolveState::has(const std::string& id) const {
  return std::any_of(programs.begin(), programs.end(),
                     [&](const auto& program) { return program.first == id; });
}

double OpenEvolveState::fitness(const std::string& id) const {
  for (const auto& [other, value] : programs)
    if (other == id) return value;
  return 0;
}

bool open_evolve_add(OpenEvolveState& state, const OpenEvolveSettings& settings, const std::string& id,
                     double fitness, std::size_t island, const std::string& cell) {
  state.programs.emplace_back(id, fitness);
  std::string displaced;
  if (!cell.empty()) {
    const auto owner = state.cells[island].find(cell);
    if (owner != state.cells[island].end()) {
      displaced = owner->second;
      if (state.has(displaced) && state.archive.erase(displaced) > 0) state.archive.insert(id);
      state.islands[island].erase(displaced);
    }
    state.cells[island][cell] = id;
  }
  state.islands[island].insert(id);
  const bool known = archive(state, settings, id, fitness);
  if (state.best.empty() || !state.has(state.best) || fitness > state.fitness(state.best)) state.best = id;
  if (!displaced.empty() && displaced != id && displaced != state.best && !owns_a_cell(state, displaced) &&
      !on_an_island(state, displaced))
    take_out(state, displaced);
  limit(state, settings, id);
  return known;
}

namespace {

bool equal_code_on(const OpenEvolveState& state, std::size_t island, const std::string& id,
                   const OpenEvolveCopies& copies) {
  const std::string code = copies.code(id);
  return std::any_of(state.islands[island].begin(), state.islands[island].end(),
                     [&](const auto& other) { return state.has(other) && copies.code(other) == code; });
}

}  // namespace

OpenEvolveMigration open_evolve_migrate(OpenEvolveState& state, const OpenEvolveSettings& settings,
                                        double rate, const OpenEvolveCopies& copies) {
  OpenEvolveMigration migration;
  const std::size_t islands = state.islands.size();
  if (islands < 2) return migration;
  for (std::size_t island = 0; island < islands; ++island) {
    const auto best = best_of(state, island, rate);
    if (!best) {
      migration.unknown =
          "equally fit programs: which of them migrates is the order of a set, which is not on record";
      return migration;
    }
    for (const std::string& id : *best)
      for (const std::size_t to : {(island + 1) % islands, (island + islands - 1) % islands}) {
        if (!state.has(id) || copies.is_copy(id) || equal_code_on(state, to, id, copies)) continue;
        migration.moves.emplace_back(id, to);
        const auto copy = copies.copy(id, to);
        if (!copy) {
          migration.unknown = "a copy that must have migrated is in no checkpoint";
          return migration;
        }
        migration.archive_known &=
            open_evolve_add(state, settings, copy->id, state.fitness(id), to, copy->cell);
      }
  }
  return migration;
}

}  // namespace assay::rules
