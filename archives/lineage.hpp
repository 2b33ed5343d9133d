// The order in which texts are packed: like beside like, children after their parents, so that a chunk
// compresses well and one program is found in a small one.
#pragma once

#include <cstdint>
#include <vector>

#include "archives/import.hpp"
#include "formats/campaign_table.hpp"

namespace assay::archives {

/// The rank of each experiment row when lineages are walked depth first: an experiment follows its first
/// parent.
std::vector<std::uint32_t> lineage_ranks(const formats::CampaignTable& table);

/// Indices of `items` in the order of storage: by what they are (the part of the name after the experiment's
/// id), then by lineage, then by name. `items` must be sorted by name.
std::vector<std::uint32_t> storage_order(const std::vector<ImportedItem>& items,
                                         const formats::CampaignTable& table);

}  // namespace assay::archives
