// The completeness report (docs/formats/campaign.md, "completeness.json"): what was published without source,
// seed, dataset hash or transcript. seal seals it, verify makes it again and compares.
#pragma once

#include "formats/campaign_table.hpp"
#include "toolkit/base/json.hpp"

namespace assay::formats {

/// A function of the finished table alone. completeness.json is its dump_pretty().
Json completeness_report(const CampaignTable& table);

}  // namespace assay::formats
