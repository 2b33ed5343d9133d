// Who signed, and is that enough? Trust comes from outside the bundle: an allowed-signers file
// (ssh-keygen(1), ALLOWED SIGNERS) and a policy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/dsse.hpp"
#include "formats/keys.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

struct AllowedSigner {
  std::vector<std::string> principals;  ///< patterns as OpenSSH matches them
  PublicKey key;
  std::vector<std::string> namespaces;  ///< empty: all
  /// Seconds since 1970, UTC; both belong to the interval.
  std::optional<std::int64_t> valid_after, valid_before;
  /// A line with a key of another type is kept, but never matches; `key` is then zero.
  std::string key_type = "ssh-ed25519";

  /// Who this is: the first principal that is no pattern, else the first.
  const std::string& identity() const;
};
/// Fault::malformed with the line's number. Unlike ssh-keygen, a time without "Z" is UTC too, so that a
/// verdict does not depend on the reader's time zone.
Result<std::vector<AllowedSigner>> parse_allowed_signers(std::string_view text, const std::string& where);

/// OpenSSH's pattern lists: "*" and "?" match, a pattern after "!" that matches vetoes. At most
/// pattern times text steps.
bool matches_pattern(std::string_view pattern, std::string_view text);
bool matches_pattern_list(const std::vector<std::string>& patterns, std::string_view text);

/// The namespace under which an allowed signer may sign bundles, proofs and whatever else is in an Envelope.
inline constexpr std::string_view kSignatureNamespace = "assay";

struct Policy {
  unsigned threshold = 1;                  ///< distinct principals, each with a key of its own
  std::vector<std::string> payload_types;  ///< empty: kInTotoPayload alone
  std::vector<std::string> revoked;        ///< fingerprints
};
Result<Policy> parse_policy(std::string_view json, const std::string& where);

struct SignatureVerdict {
  std::string keyid;
  std::optional<PublicKey> key;  ///< from the keyid; nothing if that is no key
  std::string principal;         ///< empty: unknown signer
  enum class State { valid_known, valid_unknown, expired, not_yet_valid, revoked, bad } state = State::bad;
  std::int64_t when = 0;  ///< the time at which it was judged
  std::string text;       ///< one sentence
};

struct TrustVerdict {
  std::vector<SignatureVerdict> signatures;
  unsigned principals = 0;  ///< distinct, valid and known
  bool met = false;         ///< policy met
  bool any_bad = false;     ///< a signature that does not verify
  std::string text;
};

struct Trust {
  std::vector<AllowedSigner> allowed;
  Policy policy;
};
/// One key, whoever holds it: its principal is its fingerprint.
Trust trust_in(const PublicKey& key);

/// Signatures over an envelope's payload that do not stand in it. No timestamp of the envelope covers them,
/// so they may have been made at any time up to now.
struct DetachedSignatures {
  std::vector<EnvelopeSignature> signatures;
  std::int64_t now = 0;  ///< seconds since 1970
};

/// `when`: seconds since 1970 at which validity is judged: the trusted timestamp's, else now. `trust` null:
/// every valid signature is "valid signature, unknown signer". Each signature is checked against the key that
/// its keyid spells; one whose keyid is no Ed25519 key is bad. A key counts once, where it signed first: in
/// the envelope, then detached.
TrustVerdict judge_signatures(const Envelope& envelope, const Trust* trust, std::int64_t when,
                              const DetachedSignatures& detached = {});

}  // namespace assay::formats
