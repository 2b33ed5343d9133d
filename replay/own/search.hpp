// `assay search`: the loop around the decisions of decider.hpp. Every decision is in the journal, synced,
// before anything follows from it; a search that was stopped goes on from there.
#pragma once

#include "formats/search_run.hpp"
#include "replay/own/proposer.hpp"
#include "replay/own/trainer.hpp"
#include "toolkit/base/progress.hpp"

namespace assay::own {

struct SearchRequest {
  formats::SearchRecipe recipe;
  std::filesystem::path folder;
  TrainerSettings training;  ///< its recipe, folder and note are the search's to fill in
  Ask ask;                   ///< live answers of a model
  /// Called for every step that was decided now, in order.
  std::function<void(const formats::SearchStep&)> show;
  Progress* progress = nullptr;
};

struct SearchReport {
  formats::SearchRecord record;
  Digest root;                ///< the result root
  std::uint64_t resumed = 0;  ///< steps that stood in the journal already
  bool was_done = false;
  double seconds = 0;
};

/// Errors: Fault::refused where the folder holds something else or another process works in it;
/// Fault::damaged where the journal does not hold, or says what its recipe does not give; else what kept a
/// candidate from being trained. What was done until then stays.
Result<SearchReport> search(SearchRequest request);

/// An outcome as the recipe's formula has it.
Result<formats::Outcome> outcome_of(const class Decider& decider, std::uint64_t candidate,
                                    const Trained& trained);

}  // namespace assay::own
