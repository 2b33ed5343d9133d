#include "verify/query/lineage.hpp"

#include <algorithm>
#include <numeric>

namespace assay::verify {

Lineage::Lineage(const formats::CampaignTable& table) : table_(table), start_(table.size() + 1) {
  for (std::uint32_t row = 0; row < table.size(); ++row)
    for (const std::uint32_t parent : parents(row)) ++start_[parent + 1];
  std::partial_sum(start_.begin(), start_.end(), start_.begin());
  children_.resize(start_.back());
  std::vector<std::uint32_t> next(start_.begin(), start_.end() - 1);
  for (std::uint32_t row = 0; row < table.size(); ++row)
    for (const std::uint32_t parent : parents(row)) children_[next[parent]++] = row;
}

std::span<const std::uint32_t> Lineage::children(std::uint32_t row) const {
  return std::span(children_).subspan(start_[row], start_[row + 1] - start_[row]);
}

std::vector<std::uint32_t> Lineage::parents(std::uint32_t row) const {
  std::vector<std::uint32_t> rows;
  for (const std::uint32_t parent : table_.parents(row)) {
    if (const auto found = table_.parent_row(parent)) rows.push_back(*found);
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

std::vector<std::int32_t> Lineage::depths() const {
  std::vector<std::int32_t> depths(table_.size(), -1);
  std::vector<std::uint32_t> roots;
  for (std::uint32_t row = 0; row < table_.size(); ++row) {
    if (!parents(row).empty()) continue;
    depths[row] = 0;
    roots.push_back(row);
  }
  for (const Reached& reached : descendants(roots))
    depths[reached.row] = static_cast<std::int32_t>(reached.distance);
  return depths;
}

namespace {

template <typename Neighbours>
std::vector<Lineage::Reached> breadth_first(const std::vector<std::uint32_t>& from, std::size_t rows,
                                            const Neighbours& neighbours) {
  std::vector<bool> seen(rows);
  std::vector<Lineage::Reached> queue;
  for (const std::uint32_t row : from)
    if (!seen[row]) seen[row] = true, queue.push_back({row, 0, row});
  const std::size_t first = queue.size();
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const Lineage::Reached at = queue[i];
    for (const std::uint32_t next : neighbours(at.row))
      if (!seen[next]) seen[next] = true, queue.push_back({next, at.distance + 1, at.row});
  }
  queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(first));
  return queue;
}

}  // namespace

std::vector<Lineage::Reached> Lineage::descendants(const std::vector<std::uint32_t>& from) const {
  return breadth_first(from, table_.size(), [this](std::uint32_t row) { return children(row); });
}

std::vector<Lineage::Reached> Lineage::ancestors(std::uint32_t from) const {
  return breadth_first({from}, table_.size(), [this](std::uint32_t row) { return parents(row); });
}

}  // namespace assay::verify
