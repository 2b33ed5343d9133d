// The five lines of a verdict, always all five and in this order, and what they prove and do not.
#pragma once

#include "formats/bundle.hpp"
#include "toolkit/base/json.hpp"
#include "verify/checks.hpp"
#include "verify/integrity.hpp"
#include "verify/replays.hpp"

namespace assay::verify {

struct Verdicts {
  const formats::Bundle& bundle;
  const CampaignView& view;
  const Integrity& integrity;
  const CheckResults& checked;
  const Replays& replays;

  /// The member "result" of the document.
  Json result() const;
};

/// The same where the bundle could not be opened: `why` is the finding that says so.
Json result_of_unopened(const formats::Finding& why);

}  // namespace assay::verify
