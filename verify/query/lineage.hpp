// Who descends from whom, over the rows of a campaign's table. Records are hostile: parents may be missing,
// repeated, or make a cycle; every walk here visits a row once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/campaign_table.hpp"

namespace assay::verify {

class Lineage {
 public:
  explicit Lineage(const formats::CampaignTable& table);

  std::span<const std::uint32_t> children(std::uint32_t row) const;  ///< ascending
  std::vector<std::uint32_t> parents(
      std::uint32_t row) const;  ///< those that have a record, each once, ascending

  /// Steps from a row without recorded parents by the shortest way; -1 in a cycle that no root leads to.
  std::vector<std::int32_t> depths() const;

  struct Reached {
    std::uint32_t row = 0, distance = 0, via = 0;  ///< via: the row from which it was reached
  };
  /// Breadth first, without `from` itself.
  std::vector<Reached> descendants(const std::vector<std::uint32_t>& from) const;
  std::vector<Reached> ancestors(std::uint32_t from) const;

 private:
  const formats::CampaignTable& table_;
  std::vector<std::uint32_t> children_, start_;
};

}  // namespace assay::verify
