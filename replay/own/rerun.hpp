// `assay replay --search` of a search of assay's own: every decision made again, and candidates trained
// again, each held against the sealed journal.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/search_run.hpp"
#include "replay/own/trainer.hpp"
#include "toolkit/base/progress.hpp"

namespace assay::own {

struct RerunRequest {
  formats::SearchRecord sealed;
  std::uint64_t from = 0;                             ///< candidates before this one are believed
  std::optional<std::uint64_t> until;                 ///< candidates from this one on are left alone
  std::optional<std::vector<std::uint64_t>> sampled;  ///< of those left, only these are trained
  TrainerSettings training;                           ///< its recipe, folder and note are ours to fill in
  std::filesystem::path work;                         ///< trainings that were stopped go on from here
  Progress* progress = nullptr;
};

struct RerunDifference {
  std::uint64_t candidate = 0;
  std::string what;  ///< "program", "chain", "score", ...
  std::string expected, found;
};

struct RerunReport {
  std::uint64_t decisions = 0;         ///< proposals and scores that were made again and are the same
  std::vector<std::uint64_t> trained;  ///< candidates that were trained again and are the same
  std::uint64_t believed = 0;          ///< candidates whose training was taken from the record
  std::optional<RerunDifference> difference;
  std::optional<Digest> root;  ///< the result root of what was made anew, where nothing was believed
};

/// Candidates that a rerun can train: those that were novel and have a result.
std::vector<std::uint64_t> trainable(const formats::SearchRecord& sealed);

/// Errors: what kept it from being done. A difference is no error.
Result<RerunReport> rerun(const RerunRequest& request);

}  // namespace assay::own
