// The first line of a verdict: is every byte what was sealed, and who says so?
#pragma once

#include <string>
#include <vector>

#include "formats/bundle.hpp"
#include "formats/finding.hpp"
#include "formats/timestamp.hpp"
#include "verify/campaign_view.hpp"
#include "verify/verify.hpp"

namespace assay::verify {

struct Integrity {
  std::vector<formats::Finding> findings;
  formats::TrustVerdict trust;
  std::optional<formats::Timestamp> timestamp;  ///< one that holds
  bool trust_given = false;

  bool intact() const;  ///< no finding of severity error
  Json signatures() const;
};

formats::Finding integrity_finding(const char* code, formats::Severity severity, std::string subject,
                                   std::string text);
/// {time, authority, serial, policy}
Json timestamp_json(const formats::Timestamp& timestamp);
/// A bundle that could not be opened because it is damaged.
formats::Finding opening_finding(const Error& error);

/// Signatures, policy and timestamp. Of a bundle made by `export --without` the authors' own envelope is
/// judged.
void judge_signers(const formats::Bundle& bundle, const VerifyInputs& inputs, Integrity& integrity);
/// The same of an envelope alone, such as a proof's.
void judge_signers(const formats::Envelope& envelope, const VerifyInputs& inputs, Integrity& integrity);
/// Every stored byte, every item, and the HDF5 container; feeds `builder` on the way.
Status judge_bytes(const formats::Bundle& bundle, int fd, Progress& progress, CampaignView::Builder& builder,
                   Integrity& integrity);
/// Disclosed items against their sealed digests; those that fit go to `builder` as if they were in the
/// bundle.
void judge_disclosed(const formats::Bundle& bundle, const VerifyInputs& inputs,
                     CampaignView::Builder& builder, Integrity& integrity);
/// What is withheld or left out, and the generation before.
void note_gaps(const formats::Bundle& bundle, const CampaignView& view, Integrity& integrity);

}  // namespace assay::verify
