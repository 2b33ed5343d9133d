// What a sealed run of ASI-Evolve has on record, read for its rules: configuration, nodes, steps with their
// answers, log.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "verify/decisions/decisions.hpp"
#include "verify/decisions/sealed_tree.hpp"

namespace assay::verify::evolve {

struct Call {
  std::string name;  ///< "researcher_full"
  std::string prompt, answer;
};

/// What logs/evolve.log says of one step; of steps that ran side by side nothing but nodes and snapshots can
/// be told apart.
struct StepLog {
  std::optional<std::int64_t> sampled, retrieved;
  std::string best_sampled, best_sampled_score;  ///< the node that the analyzer compared with
  std::string eval_score;                        ///< "0.9598"
  bool eval_failed = false;
  std::string completed;  ///< "0.44s, success=True, final_score=0.9598"
};

struct Step {
  std::string id;
  std::optional<std::int64_t> number;  ///< N of step_N; 0 for the initial program
  std::optional<std::int64_t> node;
  std::optional<std::string> code, best_code;  ///< steps/ID/code, steps/best/ID/code
  std::optional<std::string> results_text, best_results_text;
  Json results;             ///< results.json; null where there is none
  std::vector<Call> calls;  ///< by number
  StepLog log;
  bool initial = false, best = false;
  std::optional<std::vector<std::int64_t>> parents;  ///< node ids, as proved when it was sealed
  std::vector<std::string> knowledge;                ///< ids, in the order of steps.jsonl

  const Call* researcher()
      const;  ///< the call whose answer counts: the last of a researcher, debug calls apart
};

struct Node {
  std::int64_t id = 0, visits = 0;
  std::string name, motivation, code, analysis;
  std::vector<std::int64_t> parents;
  Json results, meta;
  double score = 0;
};

struct Added {
  std::int64_t id = 0;
  std::string name, score;  ///< as logged
};

struct Record {
  Json config;  ///< null where it is not on record
  std::string config_problem;
  std::vector<Step> steps;  ///< by number
  std::map<std::int64_t, Node> nodes;
  std::vector<std::int64_t> node_order;  ///< as nodes.json lists them
  std::optional<std::int64_t> next_id;
  Json sampler_state;
  std::map<std::int64_t, Added> added;      ///< by node id
  std::vector<std::string> best_logged;     ///< step ids, in order
  std::vector<std::int64_t> resumed_after;  ///< the last node id before each resumption
  bool has_nodes = false, has_log = false, sequential = false;
  std::map<std::string, std::string> knowledge;  ///< id -> content
  /// Of the record of the same run: what its random stream was made from, and how its Python adds.
  std::optional<std::uint64_t> stream_seed;
  bool compensated_sums = false;
  /// What the model answered in the exchanges of that record, without white space at the ends; nothing where
  /// there is no such record.
  std::optional<std::set<std::string>> answers;

  const Step* step_of(std::int64_t node) const;
  std::string name_of(std::int64_t node) const;
  std::optional<std::int64_t> last_id() const;  ///< the highest id that was given
};

Result<Record> read_record(const DecisionInput& input, const SealedTree& tree);

/// "0.9598": the score as the log writes it (%.4f).
std::string logged_score(double score);

}  // namespace assay::verify::evolve
