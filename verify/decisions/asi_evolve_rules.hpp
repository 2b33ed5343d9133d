// The decisions of ASI-Evolve, a group a file.
#pragma once

#include "verify/decisions/asi_evolve_record.hpp"

namespace assay::verify::evolve {

struct Settings {
  std::string algorithm;  ///< empty: not on record
  std::optional<std::size_t> max_size;
  std::int64_t sample_n = 3;
  double ucb1_c = 1.414;
  std::int64_t islands = 5, interval = 10;
  double migration_rate = 0.1, exploration = 0.2, exploitation = 0.3;
  bool judge = false, diffs = true;
  double judge_ratio = 0.2;
  std::size_t longest_code = 10000;
  std::int64_t workers = 1;
};
Settings settings_of(const Json& config);

/// A node's score with all its digits: of nodes.json, or computed from what the evaluator left and the judge
/// answered.
struct Score {
  std::optional<double> value;
  const char* from = "";
};
Score score_of(const Record& record, const Settings& settings, std::int64_t node);

// asi_evolve_database.cpp: live set, eviction, sampler, visits, islands, archive, best history.
void recompute_database(const Record& record, const Settings& settings, DecisionSink& sink);
// asi_evolve_answers.cpp: answer to node, score. asi_evolve_prompts.cpp: parents against the prompt,
// knowledge, prompts.
void recompute_answers(const Record& record, const Settings& settings, DecisionSink& sink);
void recompute_scores(const Record& record, const Settings& settings, DecisionSink& sink);
Status recompute_prompts(const Record& record, const SealedTree& tree, DecisionSink& sink);

// asi_evolve_fields.cpp: success, results and what else is said of a node; answers against recorded
// exchanges.
void recompute_fields(const Record& record, DecisionSink& sink);

/// float() of the judge's <score>, held within 0 and 100; 0 where it is no number. Nothing where no judge was
/// asked.
std::optional<double> judge_mark(const Step& step);

std::string ids_text(const std::vector<std::int64_t>& ids);  ///< "0, 4, 17"

}  // namespace assay::verify::evolve
