// What `assay verify FILE` computes: everything that can be said of a bundle from the file alone, as one
// document (docs/formats/verify.schema.json). The text, --json and the reports are made from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/finding.hpp"
#include "formats/trust.hpp"
#include "formats/withheld.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/progress.hpp"
#include "toolkit/base/result.hpp"

namespace assay::verify {

/// A withheld item that its author gave out, with its content.
struct Disclosed {
  formats::Disclosure disclosure;
  std::string content;
};

/// A detached signature: the text of an envelope over the bundle's own statement (`assay sign --detached`).
struct DetachedSignature {
  std::string name, envelope;
};

/// What comes from outside the bundle. All of it was read before the bundle is.
struct VerifyInputs {
  std::optional<formats::Trust> trust;   ///< --trust and --policy
  std::optional<std::string> timestamp;  ///< a TimeStampResp (DER)
  std::optional<std::string> tsa_ca;     ///< certificates (PEM)
  std::int64_t now = 0;                  ///< seconds since 1970
  std::vector<DetachedSignature> signatures;
  std::vector<Disclosed> disclosed;
  std::vector<std::pair<std::string, std::string>>
      replays;             ///< names and texts of what `assay replay -o` wrote
  bool decisions = false;  ///< recompute what the search decided (verify/decisions)
  bool timings = true;     ///< false: a document that depends on the inputs alone
  Progress* progress = nullptr;
};

/// {input, result, findings, decisions?, timings?}; the caller puts {assay, command} in front. The descriptor
/// is the only one used, and hostile bytes are parsed: call it in confinement. A bundle that is not intact is
/// a document that says so; an Error means that the file could not be read at all.
Result<Json> verify_bundle(Fd file, const std::string& name, const VerifyInputs& inputs);

/// 0 nothing wrong, 2 not intact (damage, a signature or policy that does not hold), 3 a finding of severity
/// error, 5 intact, but the signer is unknown because no trust was given; in this order: 2, 3, 5, 0.
int verify_exit_status(const Json& document);

}  // namespace assay::verify
