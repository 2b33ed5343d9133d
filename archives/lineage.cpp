#include "archives/lineage.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace assay::archives {

std::vector<std::uint32_t> lineage_ranks(const formats::CampaignTable& table) {
  constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  const std::uint32_t count = table.size();
  // Children as linked lists over rows: first child and next sibling, in ascending order.
  std::vector<std::uint32_t> child(count, kNone), sibling(count, kNone), roots;
  for (std::uint32_t row = count; row-- > 0;) {
    const auto parents = table.parents(row);
    const auto parent = parents.empty() ? std::nullopt : table.parent_row(parents[0]);
    if (!parent || *parent == row) {
      roots.push_back(row);
      continue;
    }
    sibling[row] = child[*parent];
    child[*parent] = row;
  }
  std::vector<std::uint32_t> rank(count, kNone),
      stack = roots;  // roots are in descending order: the first is on top
  std::uint32_t next = 0;
  while (!stack.empty()) {
    const std::uint32_t row = stack.back();
    stack.pop_back();
    if (sibling[row] != kNone) stack.push_back(sibling[row]);
    rank[row] = next++;
    if (child[row] != kNone) stack.push_back(child[row]);
  }
  for (auto& r : rank)
    if (r == kNone) r = next++;  // members of a cycle: the checks report them
  return rank;
}

namespace {

/// Few distinct ones, however many the items: the items are then sorted by numbers.
class Kinds {
 public:
  std::uint32_t number(std::string_view kind) {
    return numbers_.try_emplace(kind, static_cast<std::uint32_t>(numbers_.size())).first->second;
  }

  /// By number: the kind's place among the sorted.
  std::vector<std::uint32_t> places() const {
    std::vector<std::pair<std::string_view, std::uint32_t>> sorted(numbers_.begin(), numbers_.end());
    std::sort(sorted.begin(), sorted.end());
    std::vector<std::uint32_t> out(sorted.size());
    for (std::uint32_t place = 0; place < sorted.size(); ++place) out[sorted[place].second] = place;
    return out;
  }

 private:
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
};

struct Key {
  std::uint32_t kind = 0;  ///< of "/program.py"; for items outside experiments of their folder
  std::uint32_t rank = 0;
  std::uint32_t item = 0;

  bool operator<(const Key& other) const {
    return std::tie(kind, rank, item) < std::tie(other.kind, other.rank, other.item);
  }
};

Key key_of(std::uint32_t item, std::string_view name, const formats::CampaignTable& table,
           const std::vector<std::uint32_t>& ranks, Kinds& kinds) {
  const auto id = formats::experiment_of_item(name);
  if (!id) return {kinds.number(name.substr(0, name.rfind('/') + 1)), 0, item};
  const auto row = table.find(*id);
  return {kinds.number(name.substr(std::string_view("experiments/").size() + id->size())),
          row ? ranks[*row] : 0, item};
}

}  // namespace

std::vector<std::uint32_t> storage_order(const std::vector<ImportedItem>& items,
                                         const formats::CampaignTable& table) {
  const std::vector<std::uint32_t> ranks = lineage_ranks(table);
  Kinds kinds;
  std::vector<Key> keys;
  keys.reserve(items.size());
  for (std::uint32_t i = 0; i < items.size(); ++i)
    keys.push_back(key_of(i, items[i].name, table, ranks, kinds));
  for (const std::vector<std::uint32_t> places = kinds.places(); Key & key : keys)
    key.kind = places[key.kind];
  std::sort(keys.begin(), keys.end());
  std::vector<std::uint32_t> order(items.size());
  std::transform(keys.begin(), keys.end(), order.begin(), [](const Key& key) { return key.item; });
  return order;
}

}  // namespace assay::archives
