#include "formats/completeness.hpp"

#include <algorithm>

#include "formats/id_list.hpp"

namespace assay::formats {

namespace {

constexpr std::size_t kListLimit = 2000;  // bytes of one list of ids

Json field_report(const CampaignTable& table, Evidence what) {
  std::uint32_t have = 0;
  IdList missing(table, kListLimit);
  for (std::uint32_t row = 0; row < table.size(); ++row) {
    if (table.has(row, what))
      ++have;
    else
      missing.add(row);
  }
  Json report = Json::object({{"have", have}, {"missing", table.size() - have}});
  if (have < table.size() && have > 0) report.set("missing_ids", missing.finish());
  return report;
}

// What stands behind a claim: of the experiments it names (all, if it names none), how many have each kind of
// evidence.
constexpr Evidence kBehindClaims[] = {Evidence::program,     Evidence::seed,    Evidence::dataset_hash,
                                      Evidence::environment, Evidence::metrics, Evidence::checkpoint,
                                      Evidence::transcript};

Json claim_report(const CampaignTable& table, const Claim& claim) {
  std::vector<std::uint32_t> rows;
  Json unknown;
  for (const std::string& id : claim.experiments) {
    if (const auto row = table.find(id))
      rows.push_back(*row);
    else
      unknown.push(id);
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  const bool all = claim.experiments.empty();
  Json report = Json::object(
      {{"id", claim.id}, {"experiments", all ? table.size() : static_cast<unsigned>(rows.size())}});
  if (!unknown.is_null()) report.set("not_in_campaign", std::move(unknown));
  for (const Evidence what : kBehindClaims) {
    std::uint32_t have = 0;
    if (all)
      for (std::uint32_t row = 0; row < table.size(); ++row) have += table.has(row, what);
    for (const std::uint32_t row : rows) have += table.has(row, what);
    report.set(kEvidenceNames[static_cast<unsigned>(what)], have);
  }
  return report;
}

Json campaign_report(const CampaignTable& table) {
  const CampaignHead& head = table.head();
  unsigned with_orcid = 0;
  for (const Json& author : head.authors.items()) with_orcid += author.find("orcid") != nullptr;
  return Json::object({{"title", !head.title.empty()},
                       {"authors", static_cast<unsigned long>(head.authors.size())},
                       {"authors_with_orcid", with_orcid},
                       {"licence", !head.licence.empty()},
                       {"doi", !head.doi.empty()},
                       {"paper", !head.paper.empty()},
                       {"claims", static_cast<unsigned long>(table.claims().size())},
                       {"baselines", static_cast<unsigned long>(table.baselines().size())},
                       {"environment", table.has_environment()},
                       {"knowledge", table.has_knowledge()},
                       {"steps", static_cast<unsigned long>(table.steps())}});
}

}  // namespace

Json completeness_report(const CampaignTable& table) {
  Json fields = Json::object();
  for (std::size_t i = 0; i < kEvidenceNames.size(); ++i)
    fields.set(kEvidenceNames[i], field_report(table, static_cast<Evidence>(i)));
  Json claims = Json::array();
  for (const Claim& claim : table.claims()) claims.push(claim_report(table, claim));
  return Json::object({{"assay", "completeness"},
                       {"version", 1},
                       {"experiments", table.size()},
                       {"campaign", campaign_report(table)},
                       {"fields", std::move(fields)},
                       {"claims", std::move(claims)}});
}

}  // namespace assay::formats
