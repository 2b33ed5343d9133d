#include "archives/lineage.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

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

struct Key {
  std::string_view what;  ///< "program.py"; for items outside experiments their folder
  std::uint32_t rank = 0;
  std::uint32_t item = 0;
};

Key key_of(std::uint32_t item, std::string_view name, const formats::CampaignTable& table,
           const std::vector<std::uint32_t>& ranks) {
  const auto id = formats::experiment_of_item(name);
  if (!id) return {name.substr(0, name.rfind('/') + 1), 0, item};
  const auto row = table.find(*id);
  return {name.substr(std::string_view("experiments/").size() + id->size()), row ? ranks[*row] : 0, item};
}

}  // namespace

std::vector<std::uint32_t> storage_order(const std::vector<ImportedItem>& items,
                                         const formats::CampaignTable& table) {
  const std::vector<std::uint32_t> ranks = lineage_ranks(table);
  std::vector<Key> keys;
  keys.reserve(items.size());
  for (std::uint32_t i = 0; i < items.size(); ++i) keys.push_back(key_of(i, items[i].name, table, ranks));
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
    if (a.what != b.what) return a.what < b.what;
    return std::pair(a.rank, a.item) < std::pair(b.rank, b.item);
  });
  std::vector<std::uint32_t> order(items.size());
  std::transform(keys.begin(), keys.end(), order.begin(), [](const Key& key) { return key.item; });
  return order;
}

}  // namespace assay::archives
