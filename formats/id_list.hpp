// Lists of experiments, short enough to read.
#pragma once

#include <cstdint>
#include <string>

#include "formats/campaign_table.hpp"

namespace assay::formats {

/// Ids in experiment order; neighbours as FIRST..LAST; what would make the text longer than `limit` bytes is
/// counted
/// ("1..17, 19 and 30 more").
class IdList {
 public:
  explicit IdList(const CampaignTable& table, std::size_t limit) : table_(table), limit_(limit) {}
  void add(std::uint32_t row);  ///< ascending
  std::string finish();

 private:
  void close();

  const CampaignTable& table_;
  std::size_t limit_;
  std::string text_;
  std::uint32_t first_ = 0, last_ = 0, left_out_ = 0;
  bool open_ = false;
};

}  // namespace assay::formats
