#include "toolkit/rules/evolve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

namespace assay::rules {

namespace {

std::vector<std::int64_t> first_ids(const std::vector<EvolveNode>& nodes,
                                    const std::vector<std::size_t>& order, std::size_t n) {
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < std::min(n, order.size()); ++i) out.push_back(nodes[order[i]].id);
  return out;
}

std::vector<std::size_t> positions(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

}  // namespace

std::optional<std::int64_t> EvolveDatabase::next_evicted() const {
  if (!max_size_ || nodes_.size() < *max_size_ || nodes_.empty()) return std::nullopt;
  return std::min_element(
             nodes_.begin(), nodes_.end(),
             [](const auto& a, const auto& b) { return std::tie(a.score, a.id) < std::tie(b.score, b.id); })
      ->id;
}

std::optional<std::int64_t> EvolveDatabase::add(std::int64_t id, double score) {
  const auto evicted = next_evicted();
  if (evicted) remove(*evicted);
  nodes_.push_back({id, score, 0});
  return evicted;
}

void EvolveDatabase::remove(std::int64_t id) {
  std::erase_if(nodes_, [&](const EvolveNode& node) { return node.id == id; });
}

bool EvolveDatabase::live(std::int64_t id) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const EvolveNode& node) { return node.id == id; });
}

void EvolveDatabase::visit(std::int64_t id) {
  for (EvolveNode& node : nodes_)
    if (node.id == id) ++node.visits;
}

std::vector<std::int64_t> greedy_order(const std::vector<EvolveNode>& nodes, std::size_t n) {
  auto order = positions(nodes.size());
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return nodes[a].score > nodes[b].score; });
  return first_ids(nodes, order, n);
}

std::optional<std::vector<double>> ucb1_values(const std::vector<EvolveNode>& nodes, double c) {
  std::int64_t total = 0;
  double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
  for (const EvolveNode& node : nodes) {
    total += node.visits;
    if (node.visits <= 0) continue;
    lowest = std::min(lowest, node.score);
    highest = std::max(highest, node.score);
  }
  if (total <= 0 || lowest > highest) return std::nullopt;
  const double range = highest != lowest ? highest - lowest : 1.0;
  std::vector<double> values;
  for (const EvolveNode& node : nodes)
    values.push_back(node.visits == 0 ? std::numeric_limits<double>::infinity()
                                      : (node.score - lowest) / range +
                                            c * std::sqrt(std::log(static_cast<double>(total)) /
                                                          static_cast<double>(node.visits)));
  return values;
}

std::vector<std::int64_t> ucb1_order(const std::vector<EvolveNode>& nodes, const std::vector<double>& values,
                                     std::size_t n) {
  auto order = positions(nodes.size());
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  return first_ids(nodes, order, n);
}

EvolveIslands::EvolveIslands(const Settings& settings) : settings_(settings) {
  settings_.islands = std::clamp<std::int64_t>(settings_.islands, 1, 10'000);
  const auto count = static_cast<std::size_t>(settings_.islands);
  islands_.resize(count);
  generations_.resize(count);
  first_.resize(count);
}

bool EvolveIslands::migration_due() const {
  return *std::max_element(generations_.begin(), generations_.end()) - last_migration_ >= settings_.interval;
}

std::int64_t EvolveIslands::rotate() {
  const std::int64_t island = current_;
  ++generations_[static_cast<std::size_t>(island)];
  current_ = (island + 1) % settings_.islands;
  return island;
}

std::int64_t EvolveIslands::add(std::int64_t id, std::optional<std::int64_t> named) {
  const std::int64_t island =
      ((named.value_or(current_) % settings_.islands) + settings_.islands) % settings_.islands;
  const auto at = static_cast<std::size_t>(island);
  islands_[at].insert(id);
  home_[id] = island;
  if (!first_[at]) first_[at] = id;
  return island;
}

void EvolveIslands::remove(std::int64_t id) {
  const auto home = home_.find(id);
  if (home != home_.end()) islands_[static_cast<std::size_t>(home->second)].erase(id);
}

void EvolveIslands::reload(const std::vector<EvolveNode>& live) {
  for (auto& island : islands_) island.clear();
  for (const EvolveNode& node : live)
    if (const auto home = island_of(node.id)) islands_[static_cast<std::size_t>(*home)].insert(node.id);
}

std::vector<std::int64_t> EvolveIslands::members(std::int64_t island,
                                                 const std::vector<EvolveNode>& live) const {
  std::vector<std::int64_t> out;
  for (const EvolveNode& node : live)
    if (islands_[static_cast<std::size_t>(island)].contains(node.id)) out.push_back(node.id);
  return out;
}

std::optional<std::int64_t> EvolveIslands::island_of(std::int64_t id) const {
  const auto home = home_.find(id);
  return home == home_.end() ? std::nullopt : std::optional(home->second);
}

void EvolveIslands::begin_migration() {
  last_migration_ = *std::max_element(generations_.begin(), generations_.end());
}

std::vector<std::int64_t> EvolveIslands::best_of(std::int64_t island,
                                                 const std::vector<EvolveNode>& live) const {
  std::vector<EvolveNode> own;
  for (const EvolveNode& node : live)
    if (islands_[static_cast<std::size_t>(island)].contains(node.id)) own.push_back(node);
  if (own.empty()) return {};
  const double share = static_cast<double>(own.size()) * settings_.rate;  // int(len * rate), at least one
  const auto count = static_cast<std::size_t>(std::clamp(share, 1.0, static_cast<double>(own.size())));
  return greedy_order(own, count);
}

void EvolveIslands::move(std::int64_t node, std::int64_t from, std::int64_t to) {
  islands_[static_cast<std::size_t>(to)].insert(node);
  migrated_.insert(node);
  migrants_.push_back({node, from, to});
}

}  // namespace assay::rules
