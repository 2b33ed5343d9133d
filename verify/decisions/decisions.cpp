#include "verify/decisions/decisions.hpp"

#include <algorithm>

#include "toolkit/base/text.hpp"
#include "verify/checks.hpp"
#include "verify/decisions/systems.hpp"
#include "verify/query/records.hpp"

namespace assay::verify {

namespace {

using formats::Finding;
using formats::Level;
using formats::Severity;

constexpr DecisionKind kKinds[] = {
    {"live", "D201", "who was live"},
    {"eviction", "D202", "who was evicted"},
    {"sampler", "D203", "whom the sampler picked"},
    {"visits", "D204", "visits counted"},
    {"parents", "D205", "parents, against the prompt"},
    {"migration", "D206", "islands and migration"},
    {"archive", "D207", "the archive"},
    {"best", "D208", "the history of the best"},
    {"answer", "D209", "the answer and what was stored"},
    {"score", "D210", "the score"},
    {"prompt", "D211", "the prompt, rendered again"},
    {"knowledge", "D212", "knowledge in the prompt"},
    {"analysis", "D213", "the analyzer's answer and what was stored"},
    {"fields", "D214", "what else the record says"},
};

constexpr DecisionSystem kDecisionSystems[] = {
    {"asi-arch", recompute_asi_arch},
    {"asi-evolve", recompute_asi_evolve},
    {"openevolve", recompute_openevolve},
};

constexpr const char* kDepartureCode = "D220";
constexpr const char* kUnreadCode = "D200";

const DecisionKind& kind_named(std::string_view name) {
  for (const DecisionKind& kind : kKinds)
    if (name == kind.name) return kind;
  return kKinds[0];
}

struct DecisionCounts {
  std::uint64_t equal = 0, different = 0, not_on_record = 0;

  void add(Outcome outcome) {
    ++(outcome == Outcome::equal ? equal : outcome == Outcome::different ? different : not_on_record);
  }
  Json json() const {
    return Json::object({{"equal", static_cast<unsigned long>(equal)},
                         {"different", static_cast<unsigned long>(different)},
                         {"not_on_record", static_cast<unsigned long>(not_on_record)}});
  }
};

Json decision_json(const Decision& decision) {
  Json json = Json::object(
      {{"step", as_utf8(decision.step)}, {"kind", decision.kind}, {"outcome", name_of(decision.outcome)}});
  if (!decision.text.empty())
    json.set(decision.outcome == Outcome::not_on_record ? "because" : "text", as_utf8(decision.text));
  if (!decision.expected.empty()) json.set("expected", as_utf8(shorten(decision.expected, 400)));
  if (!decision.found.empty()) json.set("found", as_utf8(shorten(decision.found, 400)));
  return json;
}

// How many of a kind are in each class, and why those that are not on record are not.
Json kind_counts(const std::vector<Decision>& decisions) {
  Json list = Json::array();
  for (const DecisionKind& kind : kKinds) {
    DecisionCounts counts;
    std::map<std::string, std::uint64_t> reasons;
    for (const Decision& decision : decisions) {
      if (std::string_view(decision.kind) != kind.name) continue;
      counts.add(decision.outcome);
      if (decision.outcome == Outcome::not_on_record) ++reasons[as_utf8(decision.text)];
    }
    if (counts.equal + counts.different + counts.not_on_record == 0) continue;
    Json because = Json::array();
    for (const auto& [text, count] : reasons)
      because.push(Json::object({{"because", text}, {"count", static_cast<unsigned long>(count)}}));
    list.push(Json::object({{"kind", kind.name},
                            {"code", kind.code},
                            {"what", kind.what},
                            {"counts", counts.json()},
                            {"because", std::move(because)}}));
  }
  return list;
}

Finding decision_finding(const Decision& decision) {
  return {kind_named(decision.kind).code,
          Level::consistent,
          Severity::error,
          decision.step,
          shorten(decision.expected, 400),
          shorten(decision.found, 400),
          decision.text,
          {}};
}

void add_finding(Decisions& out, Finding finding) {
  if (++out.totals[finding.code] <= kFindingsKept) out.findings.push_back(std::move(finding));
}

Decisions unread_decisions(const std::string& system, const std::string& because) {
  Decisions out;
  out.document = Json::object({{"system", system},
                               {"recomputed", false},
                               {"because", because},
                               {"counts", DecisionCounts().json()},
                               {"kinds", Json::array()},
                               {"list", Json::array()}});
  add_finding(out, {kUnreadCode,
                    Level::consistent,
                    Severity::note,
                    system,
                    "",
                    "",
                    "No decision was recomputed: " + because,
                    {}});
  return out;
}

Decisions decisions_of(const std::string& system, DecisionSink& sink) {
  Decisions out;
  DecisionCounts counts;
  Json list = Json::array();
  for (const Decision& decision : sink.decisions()) {
    counts.add(decision.outcome);
    list.push(decision_json(decision));
    if (decision.outcome == Outcome::different) add_finding(out, decision_finding(decision));
  }
  for (Finding& finding : sink.departures()) add_finding(out, std::move(finding));
  out.document = Json::object({{"system", system},
                               {"recomputed", true},
                               {"counts", counts.json()},
                               {"kinds", kind_counts(sink.decisions())},
                               {"list", std::move(list)}});
  return out;
}

}  // namespace

const char* name_of(Outcome outcome) {
  return outcome == Outcome::equal ? "equal" : outcome == Outcome::different ? "different" : "not on record";
}

std::span<const DecisionKind> decision_kinds() { return kKinds; }
std::span<const DecisionSystem> decision_systems() { return kDecisionSystems; }

void DecisionSink::equal(const std::string& step, const char* kind, std::string expected) {
  decisions_.push_back({step, kind, Outcome::equal, "", std::move(expected), ""});
}

void DecisionSink::different(const std::string& step, const char* kind, std::string text,
                             std::string expected, std::string found) {
  decisions_.push_back(
      {step, kind, Outcome::different, std::move(text), std::move(expected), std::move(found)});
}

void DecisionSink::not_on_record(const std::string& step, const char* kind, std::string because,
                                 std::string expected) {
  decisions_.push_back({step, kind, Outcome::not_on_record, std::move(because), std::move(expected), ""});
}

void DecisionSink::compare(const std::string& step, const char* kind, const std::string& text,
                           const std::string& expected, const std::string& found) {
  if (expected == found)
    equal(step, kind, expected);
  else
    different(step, kind, text, expected, found);
}

void DecisionSink::departure(std::string subject, std::string text, std::string configured,
                             std::string done) {
  departures_.push_back({kDepartureCode,
                         Level::consistent,
                         Severity::warning,
                         std::move(subject),
                         std::move(configured),
                         std::move(done),
                         std::move(text),
                         {}});
}

Decisions recompute_decisions(const formats::ItemSource& items, const CampaignView& view) {
  const std::string system = view.head().system;
  std::string known;
  for (const DecisionSystem& row : kDecisionSystems) {
    known += (known.empty() ? "" : ", ") + std::string(row.system);
    if (system != row.system) continue;
    DecisionSink sink;
    if (const Status status = row.recompute({items, view}, sink); !status.ok()) {
      const Error& error = status.error();
      return unread_decisions(system, error.what + (error.where.empty() ? "" : " (" + error.where + ")"));
    }
    return decisions_of(system, sink);
  }
  return unread_decisions(system, "no rules for the system \"" + system + "\"; there are some for " + known);
}

}  // namespace assay::verify
