#include "verify/checks.hpp"

#include <algorithm>

#include "verify/checks/functions.hpp"

namespace assay::verify {

namespace {

using formats::Level;

constexpr Check kChecks[] = {
    {"M101", "fields that experiments lack", Level::complete, check_fields},
    {"M102", "evidence behind each claim", Level::complete, check_claim_evidence},
    {"M103", "facts about the campaign", Level::complete, check_campaign_facts},
    {"M104", "campaign.json is there", Level::complete, check_campaign_record},

    {"C101", "records follow their format", Level::consistent, check_records},
    {"C102", "metrics belong to an experiment", Level::consistent, check_orphans},
    {"C103", "roles point at items", Level::consistent, check_roles},
    {"C104", "records that cannot be read", Level::consistent, check_unread},
    {"C105", "columns equal the records", Level::consistent, check_columns},
    {"C106", "completeness.json equals the records", Level::consistent, check_completeness},

    {"C110", "averages recompute", Level::consistent, check_averages},
    {"C111", "what was averaged", Level::consistent, check_averaged_columns},
    {"C120", "scores recompute", Level::consistent, check_fitness},
    {"C121", "why scores do not recompute", Level::consistent, check_fitness_inputs},
    {"C122", "scores lie in the formula's range", Level::consistent, check_fitness_range},
    {"C123", "not a number scored as the best", Level::consistent, check_fitness_nan},

    {"C130", "curves are finite", Level::consistent, check_curves_finite},
    {"C131", "curves have the steps of their peers", Level::consistent, check_curves_complete},
    {"C132", "one value a step", Level::consistent, check_curves_repeat},
    {"C133", "curves move as their peers do", Level::consistent, check_curves_plausible},
    {"C134", "first loss of an untrained model", Level::consistent, check_curves_start},
    {"C140", "values lie in range", Level::consistent, check_ranges},
    {"C141", "values lie on the grid of their sample count", Level::consistent, check_grid},
    {"C142", "what the grid can show", Level::consistent, check_grid_power},

    {"C150", "parents exist", Level::consistent, check_parents_exist},
    {"C151", "parents come first", Level::consistent, check_parents_first},
    {"C152", "lineage has no cycle", Level::consistent, check_cycles},
    {"C153", "one parent in a tree", Level::consistent, check_tree},
    {"C154", "one root in a tree", Level::consistent, check_roots},
    {"C155", "indices have no gap", Level::consistent, check_index_gaps},
    {"C156", "indices are unique", Level::consistent, check_index_repeats},
    {"C157", "names are unique", Level::consistent, check_names},
    {"C158", "no two experiments with the same numbers", Level::consistent, check_equal_results},

    {"C160", "claimed counts recount", Level::consistent, check_claimed_counts},
    {"C161", "claimed values are the sealed ones", Level::consistent, check_claimed_values},
    {"C162", "claimed gains against their standard error", Level::consistent, check_claimed_gains},
    {"C163", "claims that these numbers cannot test", Level::consistent, check_claims_testable},
    {"C165", "gains over each baseline, corrected for all that was tried", Level::consistent, check_gains},
    {"C170", "whose rules were used", Level::consistent, check_rules_source},
    {"C171", "rules of the bundle and of the table agree", Level::consistent, check_rules_agree},
    {"C172", "a search's result root follows from its items", Level::consistent, check_result_root},
    {"C173", "a recorded search's journal holds", Level::consistent, check_journal},
    {"C174", "results of a search of assay's own follow from their record", Level::consistent,
     check_own_search},
};

}  // namespace

std::span<const Check> checks() { return kChecks; }

const Check* find_check(std::string_view code) {
  for (const Check& check : kChecks)
    if (code == check.code) return &check;
  return nullptr;
}

void FindingSink::add(formats::Severity severity, std::string subject, std::string text, std::string expected,
                      std::string found, Json data) {
  if (++total_ > kFindingsKept) return;
  findings_.push_back({check_.code, check_.level, severity, std::move(subject), std::move(expected),
                       std::move(found), std::move(text), std::move(data)});
}

CheckResults run_checks(const CampaignView& view, const std::vector<std::string>& only,
                        const formats::ItemSource* items) {
  const Rules rules = rules_for(view.head(), view.table().baselines());
  CheckResults results;
  for (const Check& check : kChecks) {
    if (!only.empty() && std::find(only.begin(), only.end(), check.code) == only.end()) continue;
    FindingSink sink(check);
    check.run({view, rules, items}, sink);
    if (sink.total() == 0) continue;
    results.totals[check.code] = sink.total();
    std::move(sink.findings().begin(), sink.findings().end(), std::back_inserter(results.findings));
  }
  return results;
}

}  // namespace assay::verify
