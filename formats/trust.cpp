#include "formats/trust.hpp"

#include <algorithm>
#include <ctime>
#include <map>
#include <set>

#include "toolkit/base/json.hpp"

namespace assay::formats {

namespace {

using State = SignatureVerdict::State;

std::string utc(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  char text[40];
  if (!::gmtime_r(&time, &parts) || !std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
    return std::to_string(seconds);
  return text;
}

// ---- one signature

// What one line of the allowed signers says about a valid signature by its key.
SignatureVerdict judge_entry(const AllowedSigner& entry, std::int64_t when) {
  SignatureVerdict verdict;
  const std::string& who = entry.identity();
  if (!entry.namespaces.empty() && !matches_pattern_list(entry.namespaces, kSignatureNamespace)) {
    verdict.state = State::valid_unknown;
    verdict.text = "valid signature, but " + who + " is not allowed to sign in namespace \"" +
                   std::string(kSignatureNamespace) + "\"";
  } else if (entry.valid_after && when < *entry.valid_after) {
    verdict.state = State::not_yet_valid;
    verdict.text = "valid signature by " + who + ", but the key is valid only from " +
                   utc(*entry.valid_after) + ", and this is judged at " + utc(when);
  } else if (entry.valid_before && when > *entry.valid_before) {
    verdict.state = State::expired;
    verdict.text = "valid signature by " + who + ", but the key was valid only until " +
                   utc(*entry.valid_before) + ", and this is judged at " + utc(when);
  } else {
    verdict.state = State::valid_known;
    verdict.principal = who;
    verdict.text = "valid signature by " + who;
  }
  return verdict;
}

// The more a verdict says for the signature, the lower its number; among several lines with one key the best
// counts.
int rank(State state) {
  switch (state) {
    case State::valid_known:
      return 0;
    case State::expired:
      return 1;
    case State::not_yet_valid:
      return 2;
    default:
      return 3;
  }
}

bool is_for(const AllowedSigner& entry, const PublicKey& key) {
  return entry.key_type == "ssh-ed25519" && entry.key == key;
}

SignatureVerdict judge_valid(const PublicKey& key, const Trust* trust, std::int64_t when) {
  SignatureVerdict best;
  best.state = State::valid_unknown;
  best.text = "valid signature, unknown signer";
  if (!trust) return best;
  const auto& revoked = trust->policy.revoked;
  if (std::find(revoked.begin(), revoked.end(), key.fingerprint()) != revoked.end()) {
    best.state = State::revoked;
    best.text = "valid signature, but the policy revokes the key";
    return best;
  }
  bool first = true;
  for (const AllowedSigner& entry : trust->allowed) {
    if (!is_for(entry, key)) continue;
    SignatureVerdict verdict = judge_entry(entry, when);
    if (first || rank(verdict.state) < rank(best.state)) best = std::move(verdict);
    first = false;
  }
  return best;
}

SignatureVerdict judge_one(const EnvelopeSignature& signature, const Bytes& message, const Trust* trust,
                           std::int64_t when) {
  const Result<PublicKey> key = PublicKey::parse(signature.keyid);
  SignatureVerdict verdict;
  // A comment after the key would be text that nobody has signed.
  if (!key || key->line() != signature.keyid) {
    verdict.text = "bad signature: its keyid is not exactly an ssh-ed25519 public key";
  } else if (!key->verify(message, signature.sig)) {
    verdict.text = "bad signature: it does not fit the statement and the key " + key->fingerprint();
    verdict.key = *key;
  } else {
    verdict = judge_valid(*key, trust, when);
    verdict.text += " (" + key->fingerprint() + ")";
    verdict.key = *key;
  }
  verdict.keyid = signature.keyid;
  verdict.when = when;
  return verdict;
}

// ---- the threshold

// The largest number of principals that can each be given an accepted key of its own: a bipartite matching
// (Kuhn), since one key may stand for several principals and one principal may have several keys.
class Matching {
 public:
  void add(const PublicKey& key, std::set<std::string> principals) {
    principals_of_[key] = std::move(principals);
  }

  unsigned size() {
    unsigned found = 0;
    for (const auto& [key, principals] : principals_of_) {
      std::set<std::string> tried;
      if (place(key, tried)) ++found;
    }
    return found;
  }

 private:
  // Depth is bounded by the number of principals in the caller's own file.
  bool place(const PublicKey& key, std::set<std::string>& tried) {
    for (const std::string& principal : principals_of_[key]) {
      if (!tried.insert(principal).second) continue;
      const auto holder = key_of_.find(principal);
      if (holder != key_of_.end() && !place(holder->second, tried)) continue;
      key_of_[principal] = key;
      return true;
    }
    return false;
  }

  std::map<PublicKey, std::set<std::string>> principals_of_;
  std::map<std::string, PublicKey> key_of_;
};

bool is_valid(const SignatureVerdict& one) {
  return one.state == State::valid_known || one.state == State::valid_unknown;
}

bool has_valid(const TrustVerdict& verdict, const std::string& keyid) {
  return std::any_of(verdict.signatures.begin(), verdict.signatures.end(),
                     [&](const SignatureVerdict& one) { return one.keyid == keyid && is_valid(one); });
}

unsigned count_principals(const TrustVerdict& verdict, const Trust& trust) {
  Matching matching;
  for (const SignatureVerdict& one : verdict.signatures) {
    if (one.state != State::valid_known) continue;
    std::set<std::string> principals;
    for (const AllowedSigner& entry : trust.allowed)
      if (is_for(entry, *one.key) && judge_entry(entry, one.when).state == State::valid_known)
        principals.insert(entry.identity());
    matching.add(*one.key, std::move(principals));
  }
  return matching.size();
}

bool accepts_type(const Policy& policy, const std::string& type) {
  if (policy.payload_types.empty()) return type == kInTotoPayload;
  return std::find(policy.payload_types.begin(), policy.payload_types.end(), type) !=
         policy.payload_types.end();
}

void judge_policy(TrustVerdict& verdict, const Trust& trust, const std::string& payload_type) {
  const unsigned needed = trust.policy.threshold;
  const bool type_fits = accepts_type(trust.policy, payload_type);
  const std::string count = std::to_string(verdict.principals) + " known principal" +
                            (verdict.principals == 1 ? "" : "s") + " signed, " + std::to_string(needed) +
                            " needed";
  verdict.met = verdict.principals >= needed && type_fits;
  verdict.text = verdict.met ? "policy met: " + count : "policy not met: " + count;
  if (!type_fits) verdict.text = "policy not met: the payload type is not one that it accepts";
  if (verdict.any_bad) verdict.text += "; and a signature is bad";
}

// ---- the policy file

Result<std::vector<std::string>> strings(const Json& list, const std::string& field) {
  std::vector<std::string> out;
  if (!list.is_array())
    return Error{Fault::malformed, std::string("expected a list of strings, found ") + list.type_name(),
                 field, ""};
  for (const Json& one : list.items()) {
    if (!one.string())
      return Error{Fault::malformed, std::string("expected a string, found ") + one.type_name(), field, ""};
    out.push_back(*one.string());
  }
  return out;
}

bool is_fingerprint(const std::string& text) {
  const std::string padded = text.size() == 50 ? text.substr(7) + "=" : "";
  return text.starts_with("SHA256:") && from_base64(padded).ok() && !padded.empty();
}

Status apply_field(Policy& policy, const std::string& key, const Json& value) {
  if (key == "threshold") {
    const auto number = value.natural();
    if (!number || *number < 1 || *number > 1000)
      return Error{Fault::malformed, "expected a whole number from 1 to 1000", key, ""};
    policy.threshold = static_cast<unsigned>(*number);
  } else if (key == "payload_types") {
    policy.payload_types = ASSAY_TRY(strings(value, key));
  } else if (key == "revoked") {
    policy.revoked = ASSAY_TRY(strings(value, key));
    for (const std::string& one : policy.revoked)
      if (!is_fingerprint(one))
        return Error{Fault::malformed, "not a fingerprint: \"" + one + "\"", key,
                     "ssh-keygen -lf KEY.pub prints it"};
  } else {
    // A mistyped field must not weaken a policy without anybody noticing.
    return Error{Fault::malformed, "unknown field \"" + key + "\"", "",
                 "fields are threshold, payload_types and revoked"};
  }
  return {};
}

}  // namespace

Result<Policy> parse_policy(std::string_view json, const std::string& where) {
  Result<Json> parsed = Json::parse(json, {.max_depth = 4});
  if (!parsed) return std::move(parsed.error()).in(where);
  if (!parsed->is_object())
    return Error{Fault::malformed, std::string("expected an object, found ") + parsed->type_name(), where,
                 ""};
  Policy policy;
  for (const Json::Member& member : parsed->members()) {
    Status applied = apply_field(policy, member.key, member.value);
    if (!applied) return std::move(applied.error()).in(where);
  }
  return policy;
}

Trust trust_in(const PublicKey& key) {
  AllowedSigner signer;
  signer.principals = {key.fingerprint()};
  signer.key = key;
  return {{signer}, {}};
}

TrustVerdict judge_signatures(const Envelope& envelope, const Trust* trust, std::int64_t when,
                              const DetachedSignatures& detached) {
  TrustVerdict verdict;
  const Bytes message = pre_authentication_encoding(envelope.payload_type, envelope.payload);
  const auto judge = [&](const EnvelopeSignature& signature, std::int64_t at) {
    verdict.signatures.push_back(judge_one(signature, message, trust, at));
    if (verdict.signatures.back().state == State::bad) verdict.any_bad = true;
  };
  for (const EnvelopeSignature& one : envelope.signatures) judge(one, when);
  for (const EnvelopeSignature& one : detached.signatures)
    if (!has_valid(verdict, one.keyid)) judge(one, detached.now);
  if (verdict.signatures.empty()) {
    verdict.text = "not signed";
  } else if (!trust) {
    verdict.text = verdict.any_bad ? "a signature is bad" : "valid signature, unknown signer";
  } else {
    verdict.principals = count_principals(verdict, *trust);
    judge_policy(verdict, *trust, envelope.payload_type);
  }
  return verdict;
}

}  // namespace assay::formats
