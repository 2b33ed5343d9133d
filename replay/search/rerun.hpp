// `assay replay FILE --search`: the program again, offline, answered from its record.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "replay/search/answerer.hpp"
#include "replay/search/branch.hpp"
#include "replay/search/evaluations.hpp"
#include "replay/search/run_folder.hpp"

namespace assay::search {

struct RerunOptions {
  std::filesystem::path work;  ///< an empty folder for the rerun's tree
  std::uint64_t until = 0;     ///< exchanges; 0: all
  OnDivergence on_divergence = OnDivergence::stop;
  std::optional<BranchPlan> branch;   ///< where on_divergence is live
  bool namespaces = true;             ///< where they can be had; else Landlock and seccomp
  bool recorded_evaluations = false;  ///< given back from the record; else the evaluator runs
  bool any_versions = false;          ///< go on where packages have other versions
  std::function<void(std::string_view)> out, err;
  std::function<void(std::uint64_t answered, std::uint64_t all, double seconds)> show;
};

struct RerunReport {
  std::uint64_t answered = 0, all = 0, until = 0;
  std::uint64_t substituted = 0;
  std::optional<Divergence> divergence;
  std::vector<std::string> follows_from;  ///< what the difference may come from, likeliest first
  std::vector<std::string> version_differences;
  bool deterministic = false;  ///< clock and randomness were driven, when recorded and now
  std::string walls;
  bool mounted = false;   ///< seen at the recorded path; else trees were compared with the root replaced
  int status = 0;         ///< the program's
  bool compared = false;  ///< the trees were: it ran to its end
  std::vector<TreeDifference> differences;
  std::uint64_t files = 0;  ///< in the recorded tree
  double seconds = 0;
  std::map<std::string, std::uint64_t> refused;
  std::optional<BranchReport> branch;
  std::optional<EvaluationReport> evaluations;  ///< where the record has any

  bool equal() const;
  bool cut = false;  ///< the recorder was killed: the record has no end
  /// All of such a record was equal, and the program asked for more.
  bool cut_short() const;
};

/// Fault::missing where an evaluation was to be given back and is not on record; `missing` is then what it
/// is.
Result<RerunReport> rerun(const RunFolder& run, const RerunOptions& options,
                          std::optional<Evaluation>* missing = nullptr);

}  // namespace assay::search
