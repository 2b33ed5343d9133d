// What is not on record. Nothing here is wrong in itself: it bounds what anyone can check.
#include "toolkit/base/text.hpp"
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"

namespace assay::verify {

using formats::Evidence;

namespace {

struct FieldText {
  Evidence what;
  const char* phrase;       // "0 of 940 ..."
  const char* consequence;  // of there being none
};
constexpr FieldText kFields[] = {
    {Evidence::program, "have a program", "without one, what was run cannot be read or run again"},
    {Evidence::motivation, "have a motivation", "without one, why the design was proposed is not on record"},
    {Evidence::seed, "have a seed", "without one a rerun draws other random numbers"},
    {Evidence::dataset_hash, "have a dataset hash", "without one, which data were used cannot be told"},
    {Evidence::environment, "have an environment", "without one, the versions that ran are not on record"},
    {Evidence::metrics, "have metrics", "without them a score rests on nothing that is sealed"},
    {Evidence::curve, "have a curve", "without one, training cannot be compared step by step"},
    {Evidence::checkpoint, "have a checkpoint", "without one, the measured weights cannot be measured again"},
    {Evidence::transcript, "have a transcript", "without one, which agent wrote what cannot be audited"},
    {Evidence::parents, "name their parents", "the lineage of the others is not on record"},
    {Evidence::score, "have a score", "without one, what the search selected on is not on record"},
};

std::uint32_t count_with(const CampaignTable& table, Evidence what) {
  std::uint32_t have = 0;
  for (std::uint32_t row = 0; row < table.size(); ++row) have += table.has(row, what);
  return have;
}

}  // namespace

void check_fields(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  const std::uint64_t n = table.size();
  for (const FieldText& field : kFields) {
    const std::uint64_t have = count_with(table, field.what);
    if (have == n) continue;
    sink.add(
        Severity::warning, "",
        with_separators(have) + " of " + with_separators(n) + " " + field.phrase + ": " + field.consequence,
        "", "",
        Json::object({{"field", formats::kEvidenceNames[static_cast<unsigned>(field.what)]},
                      {"have", have},
                      {"of", n}}));
  }
}

void check_claim_evidence(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  constexpr Evidence kNeeded[] = {Evidence::program,     Evidence::seed,    Evidence::dataset_hash,
                                  Evidence::environment, Evidence::metrics, Evidence::checkpoint,
                                  Evidence::transcript};
  for (const formats::Claim& claim : table.claims()) {
    std::string lacking;
    Json list = Json::array();
    for (const Evidence what : kNeeded) {
      bool all = true;
      for (const std::string& id : claim.experiments) {
        const auto row = table.find(id);
        all = all && row && table.has(*row, what);
      }
      if (claim.experiments.empty()) all = count_with(table, what) == table.size();
      if (all) continue;
      const char* name = formats::kEvidenceNames[static_cast<unsigned>(what)];
      lacking += (lacking.empty() ? "" : ", ") + std::string(name);
      list.push(name);
    }
    if (lacking.empty()) continue;
    const std::string whose = claim.experiments.empty()
                                  ? "every experiment"
                                  : counted(claim.experiments.size(), "named experiment");
    sink.add(Severity::warning, claim.id, "not sealed for " + whose + ": " + lacking, "", "",
             Json::object({{"lacking", std::move(list)}}));
  }
}

void check_campaign_facts(const CheckInput& input, FindingSink& sink) {
  const formats::CampaignHead& head = input.view.head();
  std::vector<std::string> lacking;
  if (head.title.empty()) lacking.emplace_back("a title");
  if (head.authors.size() == 0) lacking.emplace_back("authors");
  if (head.licence.empty()) lacking.emplace_back("a licence");
  if (head.doi.empty()) lacking.emplace_back("a DOI");
  if (input.view.table().claims().empty()) lacking.emplace_back("claims");
  if (!lacking.empty()) sink.add(Severity::note, "", "the campaign does not say: " + join(lacking, ", "));
}

void check_campaign_record(const CheckInput& input, FindingSink& sink) {
  if (input.view.head().raw.is_null())
    sink.add(Severity::warning, "campaign.json",
             "there is no readable campaign.json: who and what this is, is not on record");
  if (input.view.table().size() == 0)
    sink.add(Severity::warning, "", "there is no readable experiment in this campaign");
}

}  // namespace assay::verify
