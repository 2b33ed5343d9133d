// What a search's evaluator gave: kept while the search is recorded (`assay record --evaluator`), and on a
// rerun held against what the evaluator gives now, or given back. A stand-in does it, which the program finds
// in the evaluator's place (python/stand_in.py; docs/decisions/0010-recorded-evaluations.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "replay/search/child.hpp"
#include "replay/search/redact.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::search {

enum class EvaluationMode {
  keep,
  check,  ///< the evaluator runs
  give,   ///< it does not
};

/// One evaluation, as a report names it.
struct Evaluation {
  std::string evaluator, candidate;  ///< "evaluate(file 1f0c...)", "code 1f0c..."
  std::vector<std::string> digests;  ///< SHA-256 of the candidate's files
  std::uint64_t turn = 1;            ///< the same candidate may be evaluated again
  std::string why;                   ///< it is not on record, or how it differs
};

struct EvaluationReport {
  EvaluationMode mode = EvaluationMode::check;
  std::uint64_t given = 0, equal = 0;
  std::vector<Evaluation> different;  ///< also those that the record does not have
};

struct StandInPlan {
  EvaluationMode mode = EvaluationMode::keep;
  std::filesystem::path place;          ///< a folder to make, which the program can write to
  std::filesystem::path tree;           ///< where the evaluators lie
  std::vector<std::string> evaluators;  ///< relative to it
  Environment environment;              ///< the program's
  std::filesystem::path recorded = {};  ///< the record's `evaluations/`
  std::string recorded_root = {};       ///< the folder that the program ran in
  bool whole = true;                    ///< the record came to its end
};

class StandIns {
 public:
  /// Fault::usage: an evaluator that is neither Python nor a shell script, or not in the tree.
  static Result<StandIns> make(StandInPlan plan);
  StandIns(StandIns&&) noexcept;
  StandIns& operator=(StandIns&&) = delete;
  ~StandIns();  ///< removes `place`

  /// Before the program starts: `root` is the tree as it will see it.
  Status begin(const std::string& root) const;
  /// (stand-in, evaluator), for ChildPlan::covers.
  std::vector<std::pair<std::string, std::string>> covers() const;
  Status put_in_place() const;   ///< over the evaluators' files, where they are the rerun's own copies
  Status put_originals() const;  ///< and back

  // keep
  /// Takes what has ended since, redacted, into `run`/evaluations.
  Status collect(const Redactor& redactor, const std::filesystem::path& run);
  /// The last of them, and those that never ended; writes evaluations.json. Its digest.
  Result<Digest> finish(const Redactor& redactor, const std::filesystem::path& run);
  std::uint64_t kept() const { return kept_; }

  // check and give
  std::optional<Evaluation> missing() const;  ///< the program waits for one that is not on record
  Result<EvaluationReport> report() const;

 private:
  explicit StandIns(StandInPlan plan) : plan_(std::move(plan)) {}
  Status write_stand_in(const std::string& evaluator) const;
  Status keep_unended(const std::filesystem::path& into);

  StandInPlan plan_;
  std::uint64_t kept_ = 0;
};

/// Files of a record whose evaluations are not what its index says.
std::vector<std::string> altered_evaluations(const std::filesystem::path& run);

}  // namespace assay::search
