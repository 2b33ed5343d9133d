#include "verify/intact.hpp"

#include <algorithm>
#include <utility>

#include "formats/container.hpp"
#include "formats/timestamp.hpp"
#include "toolkit/base/text.hpp"

namespace assay::verify {

namespace {

using formats::Envelope;
using formats::Finding;
using formats::Severity;
using formats::SignatureVerdict;

constexpr std::size_t kListed = 200;  // findings of damage that are described one by one

Finding finding(const char* code, Severity severity, std::string subject, std::string text) {
  Finding made;
  made.code = code;
  made.level = formats::Level::intact;
  made.severity = severity;
  made.subject = std::move(subject);
  made.text = std::move(text);
  return made;
}

const char* name_of(SignatureVerdict::State state) {
  switch (state) {
    case SignatureVerdict::State::valid_known:
      return "valid, known";
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

class IntactCheck {
 public:
  IntactCheck(const formats::Bundle& bundle, int fd, const Outside& outside)
      : bundle_(bundle), fd_(fd), outside_(outside) {}

  Result<Intact> run(const formats::Bundle::ItemSink& sink, Progress& progress) {
    ASSAY_TRY(walk(sink, progress));
    const std::int64_t when = judge_timestamp();
    judge_signers(when);
    judge_generation();
    if (!intact_.damaged) ASSAY_TRY(check_hdf5());
    return std::move(intact_);
  }

 private:
  void add(Finding made) { intact_.findings.push_back(std::move(made)); }

  Status walk(const formats::Bundle::ItemSink& sink, Progress& progress) {
    std::size_t damages = 0;
    bool started = false;
    ASSAY_TRY(bundle_.walk(
        sink, [&](const formats::Bundle::Damage& damage) { note_damage(damage, ++damages); },
        [&](std::uint64_t done, std::uint64_t all) {
          if (!std::exchange(started, true)) progress.stage("verifying", all, "B");
          progress.update(done);
        }));
    intact_.damaged = damages > 0;
    if (damages > kListed)
      add(finding("I102", Severity::error, "",
                  with_separators(std::uint64_t{damages - kListed}) + " more places are damaged"));
    intact_.summary.set("bytes", static_cast<unsigned long>(bundle_.file_size()));
    intact_.summary.set("damaged_places", static_cast<unsigned long>(damages));
    return {};
  }

  void note_damage(const formats::Bundle::Damage& damage, std::size_t number) {
    if (number > kListed) return;
    Finding made = finding("I102", Severity::error, damage.area,
                           damage.text + ", bytes " + with_separators(damage.offset) + " to " +
                               with_separators(damage.offset + (damage.length ? damage.length - 1 : 0)));
    Json items = Json::array();
    for (const std::string& item : damage.items) items.push(item);
    if (!damage.items.empty()) made.text += ", which hold " + join(damage.items, ", ");
    made.data = Json::object({{"offset", static_cast<unsigned long>(damage.offset)},
                              {"length", static_cast<unsigned long>(damage.length)},
                              {"items", std::move(items)}});
    add(std::move(made));
  }

  // HDF5's readers must see what the extents say. Every byte is known to be what was signed when this runs.
  Status check_hdf5() {
    const auto expected = bundle_.expected_datasets();
    for (const std::string& difference :
         ASSAY_TRY(formats::check_container(fd_, bundle_.container_end(), expected))) {
      if (intact_.findings.size() > 2 * kListed) break;
      add(finding("I103", Severity::error, "HDF5",
                  "the HDF5 file does not hold what the manifest lists: " + difference));
    }
    return {};
  }

  // Seconds at which keys are judged: the trusted timestamp's, else now.
  std::int64_t judge_timestamp() {
    if (!outside_.timestamp) return outside_.now;
    const std::string stamped = bundle_.envelope().encode();
    const Outside::Text& reply = *outside_.timestamp;
    const auto stamp = outside_.authority
                           ? formats::verify_timestamp(reply.content, stamped, outside_.authority->content)
                           : formats::read_timestamp(reply.content, stamped);
    Json summary = Json::object({{"file", reply.name}, {"trusted", outside_.authority && stamp.ok()}});
    if (stamp) {
      summary.set("time", static_cast<long>(stamp->time)).set("authority", stamp->authority);
      if (!outside_.authority)
        add(finding("I121", Severity::note, reply.name,
                    "the timestamp is over this bundle; its authority was not checked (--tsa-ca FILE does)"));
    } else {
      add(finding("I120", Severity::error, reply.name, "the timestamp does not hold: " + stamp.error().what));
    }
    intact_.summary.set("timestamp", std::move(summary));
    return stamp && outside_.authority ? stamp->time : outside_.now;
  }

  // The authors' own envelope and the detached ones count as one set of signatures.
  Envelope all_signatures() {
    Envelope all = bundle_.origin() ? *bundle_.origin() : bundle_.envelope();
    for (const Outside::Text& text : outside_.signatures) {
      const auto detached = Envelope::decode(text.content);
      if (!detached) {
        add(finding("I116", Severity::error, text.name,
                    "no envelope in its canonical form: " + detached.error().what));
      } else if (detached->payload != all.payload || detached->payload_type != all.payload_type) {
        add(finding("I116", Severity::error, text.name,
                    "a signature over something else than this bundle's statement"));
      } else {
        for (const auto& signature : detached->signatures)
          if (std::find_if(all.signatures.begin(), all.signatures.end(), [&](const auto& known) {
                return known.keyid == signature.keyid && known.sig == signature.sig;
              }) == all.signatures.end())
            all.signatures.push_back(signature);
      }
    }
    return all;
  }

  void judge_signers(std::int64_t when) {
    const bool trusted = outside_.trust.has_value();
    const formats::TrustVerdict verdict =
        formats::judge_signatures(all_signatures(), trusted ? &*outside_.trust : nullptr, when);
    Json list = Json::array();
    for (const SignatureVerdict& one : verdict.signatures) {
      list.push(signature_json(one));
      judge_signer(one, verdict.met);
    }
    intact_.summary.set("signatures", std::move(list));
    if (!trusted) return;
    intact_.summary.set(
        "policy",
        Json::object({{"met", verdict.met}, {"principals", verdict.principals}, {"text", verdict.text}}));
    if (!verdict.met)
      add(finding("I111", Severity::error, "signatures", "the policy is not met: " + verdict.text));
  }

  static Json signature_json(const SignatureVerdict& one) {
    Json json = Json::object({{"state", name_of(one.state)}});
    if (one.key) json.set("fingerprint", one.key->fingerprint());
    if (!one.principal.empty()) json.set("principal", one.principal);
    return json.set("text", one.text);
  }

  void judge_signer(const SignatureVerdict& one, bool met) {
    using State = SignatureVerdict::State;
    const std::string who = one.key ? one.key->fingerprint() : one.keyid;
    if (one.state == State::bad) add(finding("I110", Severity::error, who, one.text));
    if (one.state == State::revoked || one.state == State::expired || one.state == State::not_yet_valid)
      add(finding("I112", met ? Severity::warning : Severity::error, who, one.text));
    if (one.state == State::valid_unknown) add(finding("I113", Severity::note, who, one.text));
  }

  void judge_generation() {
    if (bundle_.origin())
      add(finding("I115", Severity::note, "",
                  "an export: the authors signed the root of the whole; left out: " +
                      join(bundle_.statement().left_out, ", ")));
    if (!outside_.previous_root) return;
    const auto& supersedes = bundle_.statement().supersedes;
    if (supersedes && supersedes->hex() == *outside_.previous_root) return;
    Finding made =
        finding("I130", Severity::error, "", "this bundle does not supersede the one that was given");
    made.expected = *outside_.previous_root;
    made.found = supersedes ? supersedes->hex() : "none";
    add(std::move(made));
  }

  const formats::Bundle& bundle_;
  int fd_;
  const Outside& outside_;
  Intact intact_;
};

}  // namespace

bool Intact::ok() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& one) { return one.severity == Severity::error; });
}

Result<Intact> check_intact(const formats::Bundle& bundle, int fd, const Outside& outside,
                            const formats::Bundle::ItemSink& sink, Progress& progress) {
  return IntactCheck(bundle, fd, outside).run(sink, progress);
}

formats::Finding refused_bundle(const Error& error) {
  return finding("I101", Severity::error, error.where, error.what);
}

}  // namespace assay::verify
