// Proof that some items are in a signed bundle, without the bundle: docs/formats/signatures.md, "Proof".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/dsse.hpp"
#include "formats/layout.hpp"
#include "formats/manifest.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

struct ProofItem {
  std::uint64_t index = 0;       ///< in the manifest
  std::string line;              ///< the manifest's, which is the leaf
  std::vector<Digest> path;      ///< siblings from the leaf up
  std::optional<Bytes> content;  ///< absent: withheld, left out, or not wanted
};

struct Proof {
  Envelope envelope;             ///< the bundle's; its statement holds the root
  std::uint64_t count = 0;       ///< leaves
  std::vector<ProofItem> items;  ///< ascending by index

  /// Canonical JSON and a line feed: the one encoding that is accepted.
  std::string encode() const;
  /// Fault::damaged unless `text` is exactly what encode() gives. Believes nothing: see check_proof.
  static Result<Proof> decode(std::string_view text);
};

/// The content of an item of the manifest, or nothing where the proof is to go without.
using ProofContent = std::function<Result<std::optional<Bytes>>(std::size_t item)>;
/// `items`: positions in the manifest, in any order. The envelope must be about this manifest.
Result<Proof> make_proof(const Manifest& manifest, const Envelope& envelope, std::vector<std::size_t> items,
                         const ProofContent& content);

struct ProvenItem {
  ManifestEntry entry;
  bool content = false;  ///< it is in the proof, and has the signed digest
};
struct ProofFacts {
  Statement statement;
  std::vector<ProvenItem> items;
};
/// Every leaf, path and content against the root in the statement. Who signed it, and whether the signature
/// holds, is judge_signatures(proof.envelope, ...)'s to say; for a public key alone see trust_in. Errors are
/// Fault::damaged and name the item.
Result<ProofFacts> check_proof(const Proof& proof);

}  // namespace assay::formats
