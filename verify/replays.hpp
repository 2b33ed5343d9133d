// What verify says of training runs: whether each sealed one holds together, and what the replays that were
// handed in
// (`assay verify --replay`) found.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/bundle.hpp"
#include "formats/finding.hpp"
#include "verify/campaign_view.hpp"
#include "verify/verify.hpp"

namespace assay::verify {

struct Replays {
  std::vector<formats::Finding> findings;
  std::uint64_t sealed = 0;      ///< experiments with a recipe and a trace
  std::uint64_t reproduced = 0;  ///< of these, with a replay that was the same
  std::uint64_t whole = 0;       ///< of these, in every step
  std::uint64_t differing = 0;   ///< with one that was not
  std::uint64_t anew = 0;        ///< new runs, which reproduce nothing
};

/// C180 of sealed runs, R101 to R117 of replays.
Replays judge_replays(const formats::Bundle& bundle, const CampaignView& view, const VerifyInputs& inputs);

}  // namespace assay::verify
