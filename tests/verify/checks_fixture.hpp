// A campaign without fault that tests of checks spoil in one place.
#pragma once

#include <string>
#include <vector>

#include "tests/verify/view_of.hpp"
#include "verify/checks.hpp"

namespace assay::verify {

struct TestExperiment {
  std::string id;
  std::string record;   ///< members beside id, starting with a comma: ",\"index\":1"
  std::string metrics;  ///< lines after the header
};

inline Items campaign_of(const std::string& head, const std::vector<TestExperiment>& experiments) {
  Items items = {{"campaign.json", R"({"assay":"campaign","version":1,"title":"T")" + head + "}"}};
  for (const auto& [id, record, metrics] : experiments) {
    items["experiments/" + id + "/experiment.json"] = R"({"id":")" + id + "\"" + record + "}";
    if (!metrics.empty()) items["experiments/" + id + "/metrics.csv"] = "metric,step,value\n" + metrics;
  }
  return items;
}

/// The findings of one check.
inline std::vector<formats::Finding> findings_of(const std::string& code, const CampaignView& view) {
  return run_checks(view, {code}).findings;
}
inline std::vector<formats::Finding> findings_of(const std::string& code, const std::string& head,
                                                 const std::vector<TestExperiment>& experiments) {
  return findings_of(code, view_of(campaign_of(head, experiments)));
}

inline void expect_none(const std::vector<formats::Finding>& findings) {
  for (const auto& finding : findings)
    ADD_FAILURE() << finding.code << " " << finding.subject << ": " << finding.text;
}
inline void expect_one(const std::vector<formats::Finding>& findings, formats::Severity severity,
                       const std::string& subject, const std::string& part) {
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].severity, severity);
  EXPECT_EQ(findings[0].subject, subject);
  EXPECT_NE(findings[0].text.find(part), std::string::npos) << findings[0].text;
}

inline constexpr auto kError = formats::Severity::error;
inline constexpr auto kWarning = formats::Severity::warning;
inline constexpr auto kNote = formats::Severity::note;

/// A head with two sampled tasks and their average.
inline const std::string kTasks =
    R"(,"lineage":"tree","scores":{"average":{"of":"test","how":"mean"}},"metrics":[)"
    R"({"name":"loss","kind":"curve","direction":"lower","range":[0,100]},)"
    R"({"name":"a","kind":"score","direction":"higher","range":[0,1],"samples":1000,"group":"test"},)"
    R"({"name":"b","kind":"score","direction":"higher","range":[0,1],"samples":400,"group":"test"},)"
    R"({"name":"ppl","kind":"score","direction":"lower","group":"test"},)"
    R"({"name":"average","kind":"score","direction":"higher","range":[0,1]}])";

}  // namespace assay::verify
