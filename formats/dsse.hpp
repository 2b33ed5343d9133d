// DSSE envelopes (github.com/secure-systems-lab/dsse, protocol v1.0.2) around in-toto statements.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

struct EnvelopeSignature {
  /// "ssh-ed25519 AAAA...": the public key's own one-line form, so that "valid signature, unknown signer" can
  /// be told from "bad signature" without a key at hand. DSSE: only a hint; who that is comes from the
  /// allowed signers.
  std::string keyid;
  Bytes sig;  ///< 64 bytes of Ed25519
};

struct Envelope {
  std::string payload_type;
  Bytes payload;
  std::vector<EnvelopeSignature> signatures;

  /// Canonical JSON, one line, signatures sorted by keyid then sig: the one encoding that is accepted.
  std::string encode() const;
  /// Fault::damaged unless `text` is exactly what encode() gives.
  static Result<Envelope> decode(std::string_view text);
};

/// The bytes that are signed: "DSSEv1" SP len(type) SP type SP len(body) SP body.
Bytes pre_authentication_encoding(std::string_view payload_type, std::string_view payload);

inline constexpr std::string_view kInTotoPayload = "application/vnd.in-toto+json";
inline constexpr std::string_view kBundlePredicate = "urn:assay:bundle:v1";

}  // namespace assay::formats
