// `assay report`: one page to hold against the paper, as Markdown and as HTML, from what verify found and
// from the records. Both are single files that open offline; the same input gives the same bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/bundle.hpp"
#include "toolkit/base/json.hpp"
#include "verify/campaign_view.hpp"
#include "verify/report/figures.hpp"

namespace assay::verify {

struct ReportInput {
  const Json& verification;  ///< verify_bundle's document, or {"assay", "command", ...} around it
  const CampaignView& view;
  /// For the best experiment's own picture; null: none.
  const formats::ItemSource* items = nullptr;
};

struct Report {
  std::string markdown;  ///< report.md
  std::string html;      ///< index.html: no script, nothing fetched, foreign pictures only as <img> data
};
Report make_report(const ReportInput& input);

/// The report of a bundle: `verification` is what verify_bundle said of it. Records that damage keeps from
/// being read are left out; the findings name them.
Report report_bundle(const formats::Bundle& bundle, const Json& verification);
/// The same where the bundle could not even be opened: verdicts and findings alone.
Report report_unopened(const Json& verification);

/// The same in one document, for the way out of the confined child: {"report.md": ..., "index.html": ...}.
Json report_files(const Report& report);

// ---- what both pages are made from

struct VerdictLine {
  std::string level;   ///< "intact"
  std::string answer;  ///< "yes", "no", "not tried", ...
  std::string text;
};

struct ForeignPicture {
  std::string data_url;  ///< data:image/...;base64,...
  std::string item, digest, experiment;
};

/// A program beside its first parent's, as lines of a unified difference.
struct DesignDiff {
  std::string label, parent, score, parent_score;
  std::size_t removed = 0, added = 0;
  std::vector<std::string> lines;
};
struct DesignDiffs {
  std::vector<DesignDiff> shown;  ///< in the order of experiments
  std::size_t all = 0;            ///< that could be shown; of many, those with the best scores are
};
DesignDiffs design_diffs(const formats::CampaignTable& table, const formats::ItemSource& items);
ReportTable designs_table(const DesignDiffs& designs);

struct ReportModel {
  std::string title, root, file;
  std::vector<std::pair<std::string, std::string>> facts;    ///< system, paper, authors ...
  std::vector<std::pair<std::string, std::string>> signers;  ///< fingerprint, who and how it holds
  std::vector<VerdictLine> verdicts;                         ///< always five, in the order of formats::Level
  Json findings;                                             ///< array, errors first
  ReportTable finding_codes;                                 ///< how many of each code, errors first
  ReportTable finding_notes;  ///< of each code: what it means, why it matters, what would settle it
  std::vector<std::string> proves, does_not_prove;
  ReportTable completeness, claim_evidence, claims;
  ReportTable decisions, decision_reasons;  ///< of `--decisions`; without rows where it was not given
  std::vector<Figure> figures;
  DesignDiffs designs;
  std::optional<ForeignPicture> picture;
};
ReportModel report_model(const ReportInput& input);
std::string report_markdown(const ReportModel& model);
std::string report_html(const ReportModel& model);

}  // namespace assay::verify
