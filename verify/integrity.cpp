#include "verify/integrity.hpp"

#include <algorithm>
#include <utility>

#include "formats/container.hpp"
#include "toolkit/base/text.hpp"

namespace assay::verify {

using formats::Finding;
using formats::Level;
using formats::Severity;
using formats::SignatureVerdict;

namespace {

constexpr std::uint64_t kPieceRead = 4u << 20;

const char* name_of(SignatureVerdict::State state) {
  switch (state) {
    case SignatureVerdict::State::valid_known:
      return "valid";
    case SignatureVerdict::State::valid_unknown:
      return "valid, unknown signer";
    case SignatureVerdict::State::expired:
      return "expired";
    case SignatureVerdict::State::not_yet_valid:
      return "not yet valid";
    case SignatureVerdict::State::revoked:
      return "revoked";
    case SignatureVerdict::State::bad:
      return "bad";
  }
  return "bad";
}

bool good(const SignatureVerdict& signature) {
  return signature.state == SignatureVerdict::State::valid_known ||
         signature.state == SignatureVerdict::State::valid_unknown;
}

const formats::Envelope& authors_envelope(const formats::Bundle& bundle) {
  return bundle.origin() ? *bundle.origin() : bundle.envelope();
}

void judge_timestamp(const formats::Envelope& envelope, const VerifyInputs& inputs, Integrity& integrity) {
  if (!inputs.timestamp) return;
  const std::string text = envelope.encode();
  if (!inputs.tsa_ca) {
    const auto claimed = formats::read_timestamp(*inputs.timestamp, text);
    integrity.findings.push_back(
        claimed.ok() ? integrity_finding("I108", Severity::note, "timestamp",
                                         "there is a timestamp for this bundle, but no --tsa-ca to check it "
                                         "with: it was not believed")
                     : integrity_finding("I107", Severity::error, "timestamp",
                                         "the timestamp does not hold: " + claimed.error().what));
    return;
  }
  auto stamp = formats::verify_timestamp(*inputs.timestamp, text, *inputs.tsa_ca);
  if (stamp.ok())
    integrity.timestamp = *std::move(stamp);
  else
    integrity.findings.push_back(integrity_finding("I107", Severity::error, "timestamp",
                                                   "the timestamp does not hold: " + stamp.error().what));
}

Finding damage_finding(const formats::Bundle::Damage& damage) {
  std::string text = damage.text + " (" + damage.area + ", " + counted(damage.length, "byte") +
                     " from offset " + std::to_string(damage.offset) + ")";
  if (!damage.items.empty()) text += "; it holds " + join(damage.items, ", ");
  Finding finding = integrity_finding(
      "I102", Severity::error, damage.items.size() == 1 ? damage.items[0] : damage.area, std::move(text));
  Json items = Json::array();
  for (const std::string& item : damage.items) items.push(item);
  finding.data = Json::object({{"area", damage.area},
                               {"offset", damage.offset},
                               {"length", damage.length},
                               {"items", std::move(items)}});
  return finding;
}

// Large text records are read again in pieces: a walk gives whole items only while they are small.
Status read_large(const formats::Bundle& bundle, const std::vector<std::size_t>& items,
                  CampaignView::Builder& builder) {
  std::string piece;
  for (const std::size_t item : items) {
    const std::uint64_t size = bundle.manifest().entry(item).size;
    for (std::uint64_t at = 0; at < size; at += piece.size()) {
      piece.resize(std::min(kPieceRead, size - at));
      ASSAY_TRY(bundle.read_range(item, at, piece.data(), piece.size()));
      if (!builder.add_piece(item, piece, at + piece.size() == size)) break;
    }
  }
  return {};
}

Status walk_items(const formats::Bundle& bundle, Progress& progress, CampaignView::Builder& builder,
                  std::vector<Finding>& findings) {
  const std::size_t before = findings.size();
  std::vector<std::size_t> large;
  bool staged = false;
  ASSAY_TRY(bundle.walk(
      [&](std::size_t item, std::string_view content, bool whole) -> Status {
        if (!whole && builder.wants(item)) large.push_back(item);
        builder.add(item, content, whole);
        return {};
      },
      [&](const formats::Bundle::Damage& damage) { findings.push_back(damage_finding(damage)); },
      [&](std::uint64_t done, std::uint64_t all) {
        if (!std::exchange(staged, true)) progress.stage("checking", all, "B");
        progress.update(done);
      }));
  if (findings.size() > before) return {};  // a damaged item is not to be read
  return read_large(bundle, large, builder);
}

Status check_hdf5(const formats::Bundle& bundle, int fd, std::vector<Finding>& findings) {
  const auto problems =
      ASSAY_TRY(formats::check_container(fd, bundle.container_end(), bundle.expected_datasets()));
  for (const std::string& problem : problems) {
    const std::string path = problem.substr(0, problem.find(':'));
    findings.push_back(integrity_finding("I103", Severity::error, path,
                                         "the HDF5 file is not what the signed extents say: " + problem));
  }
  return {};
}

}  // namespace

Finding integrity_finding(const char* code, Severity severity, std::string subject, std::string text) {
  return {code, Level::intact, severity, std::move(subject), "", "", std::move(text), {}};
}

Json timestamp_json(const formats::Timestamp& timestamp) {
  return Json::object({{"time", timestamp.time},
                       {"authority", timestamp.authority},
                       {"serial", timestamp.serial},
                       {"policy", timestamp.policy}});
}

Finding opening_finding(const Error& error) {
  const std::string area = error.where.substr(0, error.where.find(','));
  Finding finding = integrity_finding("I101", Severity::error, area,
                                      error.what + (error.where.empty() ? "" : " (" + error.where + ")"));
  if (!error.where.empty()) finding.data = Json::object({{"where", error.where}});
  return finding;
}

bool Integrity::intact() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.severity == Severity::error; });
}

Json Integrity::signatures() const {
  Json list = Json::array();
  for (const SignatureVerdict& signature : trust.signatures) {
    Json one = Json::object({{"state", name_of(signature.state)}, {"text", signature.text}});
    if (signature.key) one.set("fingerprint", signature.key->fingerprint());
    if (!signature.principal.empty()) one.set("principal", signature.principal);
    list.push(std::move(one));
  }
  return list;
}

namespace {

// The signatures in `detached` count beside those in the bundle, if they are over the same statement.
void add_detached(const DetachedSignature& detached, const formats::Envelope& envelope,
                  formats::DetachedSignatures& signatures, Integrity& integrity) {
  const auto refuse = [&](const std::string& why) {
    integrity.findings.push_back(integrity_finding("I114", Severity::error, detached.name, why));
  };
  const auto decoded = formats::Envelope::decode(detached.envelope);
  if (!decoded.ok()) return refuse("no detached signature: " + decoded.error().what);
  if (decoded->payload_type != envelope.payload_type || decoded->payload != envelope.payload)
    return refuse("a signature over something else than the bundle's statement");
  if (decoded->signatures.empty()) return refuse("an envelope without any signature");
  signatures.signatures.insert(signatures.signatures.end(), decoded->signatures.begin(),
                               decoded->signatures.end());
}

}  // namespace

void judge_signers(const formats::Bundle& bundle, const VerifyInputs& inputs, Integrity& integrity) {
  judge_signers(authors_envelope(bundle), inputs, integrity);
}

void judge_signers(const formats::Envelope& envelope, const VerifyInputs& inputs, Integrity& integrity) {
  judge_timestamp(envelope, inputs, integrity);
  // What stands beside the bundle is not stamped: a key that has expired since could make it today.
  formats::DetachedSignatures detached{{}, inputs.now};
  for (const DetachedSignature& one : inputs.signatures) add_detached(one, envelope, detached, integrity);
  integrity.trust_given = inputs.trust.has_value();
  const std::int64_t when = integrity.timestamp ? integrity.timestamp->time : inputs.now;
  integrity.trust =
      formats::judge_signatures(envelope, inputs.trust ? &*inputs.trust : nullptr, when, detached);
  auto& findings = integrity.findings;
  for (const SignatureVerdict& signature : integrity.trust.signatures)
    if (!good(signature))
      findings.push_back(integrity_finding(
          "I106", signature.state == SignatureVerdict::State::bad ? Severity::error : Severity::warning,
          signature.key ? signature.key->fingerprint() : "signatures", signature.text));
  if (integrity.trust_given && !integrity.trust.met)
    findings.push_back(integrity_finding("I104", Severity::error, "signatures",
                                         "the policy is not met: " + integrity.trust.text));
  if (!integrity.trust_given)
    findings.push_back(integrity_finding(
        "I105", Severity::note, "signatures",
        "whose signature this is was not checked: --trust FILE names the signers you trust"));
}

Status judge_bytes(const formats::Bundle& bundle, int fd, Progress& progress, CampaignView::Builder& builder,
                   Integrity& integrity) {
  const std::size_t before = integrity.findings.size();
  ASSAY_TRY(walk_items(bundle, progress, builder, integrity.findings));
  // HDF5 sees no byte that is not the signed one (docs/formats/bundle.md, "Reading").
  if (integrity.findings.size() > before) return {};
  return check_hdf5(bundle, fd, integrity.findings);
}

void judge_disclosed(const formats::Bundle& bundle, const VerifyInputs& inputs,
                     CampaignView::Builder& builder, Integrity& integrity) {
  for (const Disclosed& one : inputs.disclosed) {
    const std::string& name = one.disclosure.name;
    const auto item = bundle.manifest().find(name);
    const bool withheld = item && bundle.manifest().entry(*item).type.dtype == formats::Dtype::withheld;
    if (!withheld) {
      integrity.findings.push_back(integrity_finding("I112", Severity::error, name,
                                                     "disclosed, but the bundle has no such withheld item"));
    } else if (one.disclosure.digest(one.content) != bundle.manifest().entry(*item).digest) {
      integrity.findings.push_back(
          integrity_finding("I112", Severity::error, name, "what was disclosed is not what was sealed"));
    } else {
      integrity.findings.push_back(
          integrity_finding("I113", Severity::note, name, "disclosed: it is what was sealed"));
      builder.add(*item, one.content);
    }
  }
}

void note_gaps(const formats::Bundle& bundle, const CampaignView& view, Integrity& integrity) {
  auto& findings = integrity.findings;
  if (view.left_out())
    findings.push_back(integrity_finding(
        "I109", Severity::note, "",
        counted(view.left_out(), "item") + " left out of this copy (export --without " +
            join(bundle.statement().left_out, ", ") + "): the root covers them, their content is not here"));
  if (view.withheld())
    findings.push_back(
        integrity_finding("I110", Severity::note, "",
                          counted(view.withheld(), "item") +
                              " withheld by the author: sealed as salted digests, not readable here"));
  if (bundle.statement().supersedes)
    findings.push_back(integrity_finding("I111", Severity::note, "",
                                         "generation " + std::to_string(bundle.statement().generation) +
                                             ", which takes the place of the bundle with root " +
                                             bundle.statement().supersedes->hex()));
}

}  // namespace assay::verify
