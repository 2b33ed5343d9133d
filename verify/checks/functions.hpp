// The functions behind the rows of the table in checks.cpp, a file a subject.
#pragma once

#include "verify/checks.hpp"

namespace assay::verify {

// complete.cpp
void check_fields(const CheckInput&, FindingSink&);
void check_claim_evidence(const CheckInput&, FindingSink&);
void check_campaign_facts(const CheckInput&, FindingSink&);
void check_campaign_record(const CheckInput&, FindingSink&);
// records.cpp
void check_records(const CheckInput&, FindingSink&);
void check_orphans(const CheckInput&, FindingSink&);
void check_roles(const CheckInput&, FindingSink&);
void check_unread(const CheckInput&, FindingSink&);
// derived.cpp
void check_columns(const CheckInput&, FindingSink&);
void check_completeness(const CheckInput&, FindingSink&);
// averages.cpp
void check_averages(const CheckInput&, FindingSink&);
void check_averaged_columns(const CheckInput&, FindingSink&);
// fitness.cpp
void check_fitness(const CheckInput&, FindingSink&);
void check_fitness_inputs(const CheckInput&, FindingSink&);
void check_fitness_range(const CheckInput&, FindingSink&);
void check_fitness_nan(const CheckInput&, FindingSink&);
// curves.cpp
void check_curves_finite(const CheckInput&, FindingSink&);
void check_curves_complete(const CheckInput&, FindingSink&);
void check_curves_repeat(const CheckInput&, FindingSink&);
void check_curves_plausible(const CheckInput&, FindingSink&);
void check_curves_start(const CheckInput&, FindingSink&);
// grid.cpp
void check_ranges(const CheckInput&, FindingSink&);
void check_grid(const CheckInput&, FindingSink&);
void check_grid_power(const CheckInput&, FindingSink&);
// lineage.cpp
void check_parents_exist(const CheckInput&, FindingSink&);
void check_parents_first(const CheckInput&, FindingSink&);
void check_cycles(const CheckInput&, FindingSink&);
void check_tree(const CheckInput&, FindingSink&);
void check_roots(const CheckInput&, FindingSink&);
// identity.cpp
void check_index_gaps(const CheckInput&, FindingSink&);
void check_index_repeats(const CheckInput&, FindingSink&);
void check_names(const CheckInput&, FindingSink&);
void check_equal_results(const CheckInput&, FindingSink&);
// claims.cpp
void check_claimed_counts(const CheckInput&, FindingSink&);
void check_claimed_values(const CheckInput&, FindingSink&);
void check_claimed_gains(const CheckInput&, FindingSink&);
void check_claims_testable(const CheckInput&, FindingSink&);
// gains.cpp
void check_gains(const CheckInput&, FindingSink&);
// rules.cpp
void check_rules_source(const CheckInput&, FindingSink&);
void check_rules_agree(const CheckInput&, FindingSink&);
// result_root.cpp
void check_result_root(const CheckInput&, FindingSink&);
// journal.cpp
void check_journal(const CheckInput&, FindingSink&);
// own_search.cpp
void check_own_search(const CheckInput&, FindingSink&);

}  // namespace assay::verify
