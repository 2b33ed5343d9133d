// The columns that seal derives from the records (docs/formats/campaign.md, "Columns"), and verify derives
// again. One column's bytes are made at a time: all of them together would be larger than everything else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/campaign_table.hpp"
#include "formats/item.hpp"

namespace assay::formats {

struct Column {
  enum class Part : std::uint8_t {
    id,
    name,
    status,
    score,
    index,
    metric_experiment,
    metric_step,
    metric_value
  };
  std::string name;  ///< the item's
  ItemType type;
  Part part = Part::id;
  std::uint32_t metric = 0;  ///< number in the table's metrics().names(), of the last three parts
};

/// All columns of a finished table, sorted by name. None where there is no experiment.
std::vector<Column> columns_of(const CampaignTable& table);
/// The column's bytes: little-endian, row-major, strings padded with zeros. Any thread.
std::string column_content(const CampaignTable& table, const Column& column);

}  // namespace assay::formats
