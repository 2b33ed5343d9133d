// `assay verify --decisions`: what a search decided, computed again from its sealed record.
// docs/search-decisions.md has each rule with its source. A system is one file and one row of the table in
// decisions.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bundle.hpp"
#include "formats/finding.hpp"
#include "verify/campaign_view.hpp"

namespace assay::verify {

/// What became of one decision. Every decision of a system is in exactly one of these.
enum class Outcome { equal, different, not_on_record };
const char* name_of(Outcome outcome);  ///< "equal", "different", "not on record"

struct DecisionKind {
  const char* name;  ///< "eviction"
  const char* code;  ///< of the finding where one is different: "D202"
  const char* what;  ///< a few words, for lists
};
std::span<const DecisionKind> decision_kinds();

struct Decision {
  std::string step;       ///< an experiment's id, or what of the campaign
  const char* kind = "";  ///< DecisionKind::name
  Outcome outcome = Outcome::equal;
  std::string text;             ///< not on record: because; different: what differs; may be empty for equal
  std::string expected, found;  ///< recomputed, recorded; may be empty
};

/// Where a system puts what it computed again.
class DecisionSink {
 public:
  void equal(const std::string& step, const char* kind, std::string expected = "");
  void different(const std::string& step, const char* kind, std::string text, std::string expected = "",
                 std::string found = "");
  void not_on_record(const std::string& step, const char* kind, std::string because,
                     std::string expected = "");
  /// Equal or different, by comparing two texts.
  void compare(const std::string& step, const char* kind, const std::string& text,
               const std::string& expected, const std::string& found);
  /// The system did not do what its configuration says.
  void departure(std::string subject, std::string text, std::string configured = "", std::string done = "");

  const std::vector<Decision>& decisions() const { return decisions_; }
  std::vector<formats::Finding>& departures() { return departures_; }

 private:
  std::vector<Decision> decisions_;
  std::vector<formats::Finding> departures_;
};

struct DecisionInput {
  const formats::ItemSource& items;
  const CampaignView& view;
};

struct DecisionSystem {
  const char* system;  ///< CampaignHead::system
  Status (*recompute)(const DecisionInput& input, DecisionSink& sink);
};
std::span<const DecisionSystem> decision_systems();

struct Decisions {
  Json document;  ///< the member "decisions" of docs/formats/verify.schema.json
  std::vector<formats::Finding> findings;
  std::map<std::string, std::uint64_t> totals;  ///< of each code, listed or not
};
/// Of any bundle: where the system is none of the table, or its record cannot be read, the document says so.
Decisions recompute_decisions(const formats::ItemSource& items, const CampaignView& view);

}  // namespace assay::verify
