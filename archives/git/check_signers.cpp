#include "archives/git/check_signers.hpp"

#include <algorithm>

namespace assay::archives::git {

using formats::Severity;

namespace {

bool covers(const formats::AllowedSigner& signer, std::int64_t when) {
  return !(signer.valid_after && when < *signer.valid_after) &&
         !(signer.valid_before && when > *signer.valid_before);  // both ends included (signatures.md)
}

bool signs_git(const formats::AllowedSigner& signer) {
  return signer.namespaces.empty() || formats::matches_pattern_list(signer.namespaces, "git");
}

}  // namespace

void SignerCheck::commit(const HistoryCommit& commit, const FindingSink& sink) {
  const std::string subject = "commit " + commit.oid;
  if (commit.signature == SignatureState::none)
    return sink(archive_finding("A102", Severity::error, subject, "The commit is not signed."));
  if (commit.signature == SignatureState::bad)
    return sink(
        archive_finding("A103", Severity::error, subject,
                        "The commit's signature does not verify as an SSH signature by an Ed25519 key."));
  ++commits_[*commit.signer];
  judge(subject, *commit.signer, commit.text.committer.time, sink);
}

void SignerCheck::tag(const ArchiveTag& tag, const FindingSink& sink) {
  const std::string subject = "tag " + tag.name;
  if (tag.signature == SignatureState::none)
    return sink(archive_finding("A141", Severity::warning, subject, "The tag is not signed."));
  if (tag.signature == SignatureState::bad)
    return sink(
        archive_finding("A140", Severity::error, subject,
                        "The tag's signature does not verify as an SSH signature by an Ed25519 key."));
  judge(subject, *tag.signer, tag.time, sink);
}

// The time in a commit is its maker's word. A key that has expired since may have signed a back-dated commit:
// that is said, and only a timestamp over the bundle can settle it.
void SignerCheck::judge(const std::string& subject, const formats::PublicKey& key, std::int64_t made,
                        const FindingSink& sink) {
  if (!trust_) return;
  const std::string print = key.fingerprint();
  const auto& revoked = trust_->policy.revoked;
  if (std::find(revoked.begin(), revoked.end(), print) != revoked.end())
    return sink(archive_finding("A104", Severity::error, subject,
                                "The signer's key is revoked by the policy.", "", print));
  bool known = false, then = false, at_present = false;
  for (const formats::AllowedSigner& signer : trust_->allowed) {
    if (signer.key != key || !signs_git(signer)) continue;
    known = true;
    then = then || covers(signer, made);
    at_present = at_present || (covers(signer, made) && covers(signer, now_));
  }
  if (!known)
    sink(archive_finding("A104", Severity::error, subject,
                         "The signer is not among the allowed signers for git.", "an allowed signer", print));
  else if (!then)
    sink(archive_finding("A104", Severity::error, subject,
                         "The signer's key was not valid at the time that the signer gave.", "", print));
  else if (!at_present)
    sink(archive_finding("A105", Severity::warning, subject,
                         "The signer's key is not valid today; it was at the time that the signer gave, and "
                         "that time is the signer's word alone.",
                         "", print));
}

std::string SignerCheck::principal_of(const formats::PublicKey& key) const {
  if (!trust_) return "";
  for (const formats::AllowedSigner& signer : trust_->allowed)
    if (signer.key == key && signs_git(signer) && !signer.principals.empty()) return signer.principals[0];
  return "";
}

std::vector<SignerCount> SignerCheck::counts() const {
  std::vector<SignerCount> out;
  for (const auto& [key, count] : commits_) out.push_back({key, principal_of(key), count});
  return out;
}

}  // namespace assay::archives::git
