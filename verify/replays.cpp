#include "verify/replays.hpp"

#include <algorithm>
#include <map>

#include "formats/replay_result.hpp"
#include "formats/sealed_run.hpp"
#include "toolkit/base/text.hpp"

namespace assay::verify {

namespace {

using formats::Bundle;
using formats::Finding;
using formats::Level;
using formats::Severity;

Finding finding(const char* code, Level level, Severity severity, std::string subject, std::string text) {
  return {code, level, severity, std::move(subject), "", "", std::move(text), {}};
}

struct SealedFacts {
  Digest recipe, chain;
  std::optional<Digest> program;
  std::uint64_t steps = 0;
};

using Sealed = std::map<std::string, SealedFacts, std::less<>>;

// One that cannot be read (withheld, left out) is no contradiction: it is only not counted.
Sealed judge_sealed(const Bundle& bundle, const CampaignView& view, Replays& out) {
  Sealed sealed;
  for (std::uint32_t row = 0; row < view.table().size(); ++row) {
    if (!view.table().has_run(row)) continue;
    const std::string id(view.table().id(row));
    const auto run = formats::read_sealed_run(bundle, id);
    if (run && *run) {
      const formats::Trace& trace = (*run)->trace;
      sealed[id] = {trace.head.recipe, trace.last_chain(), trace.head.program, trace.rows.size()};
    } else if (!run && run.error().fault != Fault::missing) {
      Finding bad = finding(
          "C180", Level::consistent, Severity::error, id,
          "the sealed run does not hold together: " + run.error().what + " (" + run.error().where + ")");
      bad.found = run.error().what;
      out.findings.push_back(std::move(bad));
    }
  }
  out.sealed = sealed.size();
  return sealed;
}

// Empty where the replay is of this very run.
std::string not_of_this_run(const formats::ReplayResult& result, const Bundle& bundle, const Sealed& sealed) {
  if (result.bundle != bundle.statement().root)
    return "it is of a bundle with the root " + result.bundle.hex();
  if (result.new_run) return "";
  const auto run = sealed.find(result.experiment);
  if (run == sealed.end()) return "no run of experiment " + result.experiment + " is sealed here";
  if (result.recipe != run->second.recipe)
    return "it is of the recipe " + result.recipe.hex() + ", not the sealed one";
  if (result.program != run->second.program) return "it is of another program than the sealed one";
  if (result.chain != run->second.chain || result.steps != run->second.steps)
    return "it is of another trace than the sealed one";
  return "";
}

// Who stands behind the result.
Finding signer_finding(const formats::ReplayFile& file, const VerifyInputs& inputs, const std::string& name) {
  const auto note = [&](Severity severity, const std::string& text) {
    return finding("R107", Level::reproduced, severity, file.result.experiment, name + ": " + text);
  };
  if (!file.envelope) return note(Severity::warning, "nobody signed this result");
  std::optional<formats::Trust> trust = inputs.trust;
  if (trust) trust->policy = {1, {std::string(formats::kReplayPayload)}, trust->policy.revoked};
  const auto verdict = formats::judge_signatures(*file.envelope, trust ? &*trust : nullptr, inputs.now);
  std::vector<std::string> who;
  for (const auto& signature : verdict.signatures)
    who.push_back(!signature.principal.empty() ? signature.principal : signature.text);
  if (verdict.any_bad || who.empty())
    return note(Severity::error, "its signature does not hold: " + verdict.text);
  if (!trust || !verdict.met)
    return note(Severity::warning, "signed by somebody unknown: " + join(who, ", "));
  return note(Severity::note, "signed by " + join(who, ", "));
}

struct Standing {
  std::vector<formats::ReplaySegment> segments;
  bool differs = false;
};

bool covers(std::vector<formats::ReplaySegment> segments, std::uint64_t steps) {
  std::sort(segments.begin(), segments.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
  std::uint64_t at = 0;
  for (const auto& segment : segments)
    if (segment.from <= at) at = std::max(at, segment.until);
  return at >= steps;
}

}  // namespace

Replays judge_replays(const Bundle& bundle, const CampaignView& view, const VerifyInputs& inputs) {
  Replays out;
  const Sealed sealed = judge_sealed(bundle, view, out);
  std::map<std::string, Standing> standing;
  for (const auto& [name, text] : inputs.replays) {
    const auto file = formats::parse_replay_file(text);
    if (!file) {
      out.findings.push_back(finding("R106", Level::reproduced, Severity::error, name,
                                     name + " cannot be read: " + file.error().what));
      continue;
    }
    if (const std::string why = not_of_this_run(file->result, bundle, sealed); !why.empty()) {
      out.findings.push_back(
          finding("R108", Level::reproduced, Severity::warning, name, name + " does not count: " + why));
      continue;
    }
    for (const Finding& one : file->result.findings()) out.findings.push_back(one);
    out.findings.push_back(signer_finding(*file, inputs, name));
    if (out.findings.back().severity == Severity::error) continue;
    if (file->result.new_run) {
      ++out.anew;
      continue;
    }
    Standing& of = standing[file->result.experiment];
    of.differs = of.differs || file->result.difference.has_value();
    of.segments.insert(of.segments.end(), file->result.segments.begin(), file->result.segments.end());
  }
  for (const auto& [id, one] : standing) {
    out.differing += one.differs;
    if (one.differs || one.segments.empty()) continue;
    ++out.reproduced;
    out.whole += covers(one.segments, sealed.at(id).steps);
  }
  return out;
}

}  // namespace assay::verify
