// The checks: one table, a row each, a small function of the campaign's records that gives findings.
// docs/findings.md says of each code what it means, why it matters and what would settle it. Codes are never
// reused.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/bundle.hpp"
#include "formats/finding.hpp"
#include "verify/campaign_view.hpp"
#include "verify/known_systems.hpp"

namespace assay::verify {

/// Findings of one code that are listed one by one; more are counted.
inline constexpr std::size_t kFindingsKept = 200;

struct Check;

/// Where a check puts its findings.
class FindingSink {
 public:
  explicit FindingSink(const Check& check) : check_(check) {}
  void add(formats::Severity severity, std::string subject, std::string text, std::string expected = "",
           std::string found = "", Json data = {});
  void count_one() { ++total_; }  ///< one more that is not described
  std::uint64_t total() const { return total_; }
  std::vector<formats::Finding>& findings() { return findings_; }

 private:
  const Check& check_;
  std::vector<formats::Finding> findings_;
  std::uint64_t total_ = 0;
};

struct CheckInput {
  const CampaignView& view;
  const Rules& rules;
  const formats::ItemSource* items = nullptr;  ///< nothing: checks that read further items are left out
};

struct Check {
  const char* code;
  const char* name;  ///< a few words, for lists
  formats::Level level;
  void (*run)(const CheckInput& input, FindingSink& sink);
};
std::span<const Check> checks();
const Check* find_check(std::string_view code);

struct CheckResults {
  std::vector<formats::Finding> findings;       ///< in the order of the table
  std::map<std::string, std::uint64_t> totals;  ///< findings of each code, listed or not; only codes with any
};
/// Runs all checks, or those of `only` that are not empty.
CheckResults run_checks(const CampaignView& view, const std::vector<std::string>& only = {},
                        const formats::ItemSource* items = nullptr);

}  // namespace assay::verify
