#include <algorithm>
#include <map>
#include <set>

#include "formats/completeness.hpp"
#include "formats/finding.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/text.hpp"
#include "verify/finding_texts.hpp"
#include "verify/query/numbers.hpp"
#include "verify/query/records.hpp"
#include "verify/query/text_parts.hpp"
#include "verify/report/figure_parts.hpp"
#include "verify/report/report.hpp"

namespace assay::verify {

namespace {

constexpr std::size_t kLargestPicture = 1u << 20;

std::vector<std::pair<std::string, std::string>> facts_of(const Json& result, const CampaignView& view) {
  std::vector<std::pair<std::string, std::string>> facts;
  const auto add = [&facts](const char* name, std::string text) {
    if (!text.empty()) facts.emplace_back(name, std::move(text));
  };
  const formats::CampaignHead& head = view.head();
  std::vector<std::string> authors;
  for (const Json& author : head.authors.items()) {
    std::string name(author["name"].string_or("?"));
    if (const auto* orcid = author["orcid"].string()) name += " (ORCID " + *orcid + ")";
    authors.push_back(std::move(name));
  }
  add("authors", join(authors, ", "));
  add("system", head.system);
  add("paper", head.paper);
  add("DOI", head.doi);
  add("licence", head.licence);
  const auto& table = view.table();
  add("holds",
      counted(table.size(), "experiment") + ", " + counted(table.claims().size(), "claim") + ", " +
          counted(view.items(), "item") +
          (view.withheld() ? ", " + with_separators(view.withheld()) + " withheld" : "") +
          (view.left_out() ? ", " + with_separators(view.left_out()) + " left out of this copy" : ""));
  const Json& timestamp = result["timestamp"];
  if (timestamp.is_object()) add("timestamp", value_text(timestamp));
  if (const auto generation = result["generation"].natural(); generation && *generation > 1)
    add("generation",
        std::to_string(*generation) + ", after root " + std::string(result["supersedes"].string_or("?")));
  return facts;
}

std::vector<std::pair<std::string, std::string>> signers_of(const Json& result) {
  std::vector<std::pair<std::string, std::string>> signers;
  for (const Json& signature : result["signatures"].items()) {
    std::string text(signature["principal"].string_or(""));
    const std::string_view sentence = signature["text"].string_or("");
    if (!sentence.empty()) text += (text.empty() ? "" : ": ") + std::string(sentence);
    signers.emplace_back(signature["fingerprint"].string_or("no Ed25519 key"), text);
  }
  return signers;
}

std::vector<VerdictLine> verdicts_of(const Json& result) {
  std::vector<VerdictLine> lines;
  for (int level = 0; level < 5; ++level) {
    const char* name = formats::name_of(static_cast<formats::Level>(level));
    const Json& line = result[name];
    lines.push_back(
        {name, std::string(line["verdict"].string_or("not tried")), std::string(line["text"].string_or(""))});
  }
  return lines;
}

Json sorted_findings(const Json& findings) {
  Json out = Json::array();
  for (const std::string_view severity : {"error", "warning", "note"})
    for (const Json& finding : findings.items())
      if (finding["severity"].string_or("error") == severity) out.push(finding);
  return out;
}

// One row a code and severity, for the first page. `totals` counts also those that are not listed one by one.
ReportTable codes_table(const Json& findings, const Json& totals) {
  ReportTable table;
  table.caption = "Findings by code";
  table.columns = {{"severity"}, {"code"}, {"findings", true}, {"the first of them"}};
  std::map<std::pair<std::string, std::string>, std::size_t> place;
  std::vector<std::uint64_t> counts;
  for (const Json& finding : findings.items()) {
    const std::string severity(finding["severity"].string_or("error")), code(finding["code"].string_or("?"));
    const auto [found, fresh] = place.emplace(std::pair(severity, code), counts.size());
    if (fresh) {
      const std::string_view subject = finding["subject"].string_or("");
      const std::string lead = subject.empty() ? "" : std::string(subject) + ": ";
      table.rows.push_back(
          {severity, code, "", shorten(lead + std::string(finding["text"].string_or("")), 140)});
      counts.push_back(0);
    }
    ++counts[found->second];
  }
  for (std::size_t row = 0; row < counts.size(); ++row) {
    const std::string& code = table.rows[row][1];
    const bool alone = std::count_if(table.rows.begin(), table.rows.end(),
                                     [&](const auto& other) { return other[1] == code; }) == 1;
    const std::uint64_t total = totals[code].natural().value_or(0);
    table.rows[row][2] = with_separators(alone && total > counts[row] ? total : counts[row]);
  }
  return table;
}

ReportTable notes_table(const ReportTable& codes) {
  ReportTable table;
  table.caption = "What the codes mean";
  table.columns = {{"code"}, {"what was found"}, {"why it matters"}, {"what would settle it"}};
  std::set<std::string> seen;
  for (const auto& row : codes.rows)
    if (const FindingText* text = find_finding_text(row[1]); text && seen.insert(row[1]).second)
      table.rows.push_back({text->code, text->meaning, text->matters, text->settles});
  return table;
}

std::vector<std::string> sentences(const Json& list) {
  std::vector<std::string> out;
  for (const Json& sentence : list.items()) out.emplace_back(sentence.string_or(""));
  return out;
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? ""
                    : format_fixed(100.0 * static_cast<double>(part) / static_cast<double>(whole),
                                   part == 0 || part == whole ? 0 : 1) +
                          " %";
}

ReportTable completeness_table(const Json& completeness, std::uint64_t experiments) {
  ReportTable table;
  table.caption = "What is on record, over " + counted(experiments, "experiment");
  table.columns = {
      {"what"}, {"on record", true}, {"missing", true}, {"share", true}, {"experiments without it"}};
  for (const auto& field : completeness["fields"].members()) {
    const std::uint64_t have = field.value["have"].natural().value_or(0),
                        missing = field.value["missing"].natural().value_or(0);
    const std::string ids(field.value["missing_ids"].string_or(missing == 0 ? "none" : "all"));
    table.rows.push_back({words_of(field.key), with_separators(have), with_separators(missing),
                          percent(have, have + missing), shorten(ids, 160)});
  }
  return experiments == 0 ? ReportTable() : table;
}

// "1 of 1": how many of the experiments that a claim rests on have the evidence.
ReportTable evidence_table(const Json& completeness) {
  ReportTable table;
  table.caption = "Of the experiments that each claim rests on, how many have what it takes to check it";
  table.columns = {{"claim"}, {"experiments", true}};
  constexpr const char* kParts[] = {"program", "seed",       "dataset_hash", "environment",
                                    "metrics", "checkpoint", "transcript"};
  for (const char* part : kParts) table.columns.push_back({words_of(part), true});
  for (const Json& claim : completeness["claims"].items()) {
    const std::uint64_t all = claim["experiments"].natural().value_or(0);
    std::vector<std::string> row = {std::string(claim["id"].string_or("?")), with_separators(all)};
    for (const char* part : kParts) {
      const std::uint64_t have = claim[part].natural().value_or(0);
      row.push_back(all == 1 ? (have ? "yes" : "no") : with_separators(have));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

// One row a kind of decision: how many are in each class.
ReportTable decisions_table(const Json& decisions) {
  ReportTable table;
  const Json& counts = decisions["counts"];
  const auto number = [](const Json& of, const char* key) {
    return with_separators(of[key].natural().value_or(0));
  };
  table.caption = "Decisions of " + std::string(decisions["system"].string_or("the search")) +
                  ", recomputed from the record: " + number(counts, "equal") + " equal, " +
                  number(counts, "different") + " different, " + number(counts, "not_on_record") +
                  " not on record";
  table.columns = {{"decision"}, {"equal", true}, {"different", true}, {"not on record", true}};
  for (const Json& kind : decisions["kinds"].items())
    table.rows.push_back({std::string(kind["what"].string_or("")), number(kind["counts"], "equal"),
                          number(kind["counts"], "different"), number(kind["counts"], "not_on_record")});
  return table;
}

ReportTable reasons_table(const Json& decisions) {
  ReportTable table;
  table.caption = "Why some are not on record";
  table.columns = {{"decision"}, {"how many", true}, {"because"}};
  for (const Json& kind : decisions["kinds"].items())
    for (const Json& why : kind["because"].items())
      table.rows.push_back({std::string(kind["what"].string_or("")),
                            with_separators(why["count"].natural().value_or(0)),
                            std::string(why["because"].string_or(""))});
  return table;
}

std::string source_text(const Json& source) {
  if (!source.is_object()) return value_text(source);
  std::string text(source["document"].string_or(""));
  if (const auto* where = source["where"].string()) text += (text.empty() ? "" : ", ") + *where;
  return text.empty() ? value_text(source) : text;
}

ReportTable claims_table(const formats::CampaignTable& campaign) {
  ReportTable table;
  table.caption = "Claims as the authors state them; external: in no campaign file";
  table.columns = {{"claim"},    {"what is claimed"}, {"experiments"}, {"metric"},
                   {"baseline"}, {"value", true},     {"gain", true},  {"source"}};
  for (const formats::Claim& claim : campaign.claims()) {
    std::string source = source_text(claim.source);
    if (claim.external) source += source.empty() ? "external" : " (external)";
    table.rows.push_back(
        {claim.id, claim.text.empty() ? claim.kind + (claim.of.empty() ? "" : " of " + claim.of) : claim.text,
         join(claim.experiments, ", "), claim.metric, claim.baseline,
         claim.value ? format_number(*claim.value) : "", claim.gain ? format_number(*claim.gain) : "",
         source});
  }
  return table;
}

// Without the columns in which no row has anything.
ReportTable without_empty_columns(const ReportTable& table) {
  ReportTable out;
  out.caption = table.caption;
  out.rows.resize(table.rows.size());
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    const auto filled = [column](const auto& row) { return !row[column].empty(); };
    if (column > 0 && std::none_of(table.rows.begin(), table.rows.end(), filled)) continue;
    out.columns.push_back(table.columns[column]);
    for (std::size_t row = 0; row < table.rows.size(); ++row)
      out.rows[row].push_back(table.rows[row][column]);
  }
  return out;
}

// The type by the content's own first bytes: the item's name is hostile.
std::string picture_type(std::string_view content) {
  if (content.starts_with("\x89PNG\r\n\x1a\n")) return "image/png";
  if (content.starts_with("\xff\xd8\xff")) return "image/jpeg";
  const std::string_view start = trim(content.substr(0, 1000));
  return start.starts_with("<svg") || (start.starts_with("<?xml") && start.find("<svg") != start.npos)
             ? "image/svg+xml"
             : "";
}

// In an <img> an SVG runs no script and fetches nothing. The best experiment that has a picture gets the
// place.
std::optional<ForeignPicture> picture_of(const formats::ItemSource& items, const CampaignView& view) {
  const auto& table = view.table();
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < table.size(); ++row)
    if (table.score(row) &&
        items.manifest().find("experiments/" + std::string(table.id(row)) + "/picture.svg"))
      rows.push_back(row);
  if (rows.empty()) return std::nullopt;
  const std::uint32_t best =
      *std::max_element(rows.begin(), rows.end(),
                        [&](std::uint32_t a, std::uint32_t b) { return *table.score(a) < *table.score(b); });
  const std::string name = "experiments/" + std::string(table.id(best)) + "/picture.svg";
  const formats::ManifestEntry entry = items.manifest().entry(*items.manifest().find(name));
  if (entry.size > kLargestPicture) return std::nullopt;
  const auto content = read_if_present(items, name);
  if (!content.ok() || !*content) return std::nullopt;
  const std::string type = picture_type(**content);
  if (type.empty()) return std::nullopt;
  return ForeignPicture{"data:" + type + ";base64," + to_base64(**content), name, entry.digest.text(),
                        experiment_label(table, best, 60)};
}

}  // namespace

ReportModel report_model(const ReportInput& input) {
  const Json& result = input.verification["result"];
  const auto& table = input.view.table();
  const Json completeness = formats::completeness_report(table);
  ReportModel model;
  model.title = input.view.head().title.empty() ? "Campaign without a title" : input.view.head().title;
  model.root = input.verification["input"]["root"].string_or("");
  model.file = input.verification["input"]["path"].string_or("FILE");
  model.facts = facts_of(result, input.view);
  model.signers = signers_of(result);
  model.verdicts = verdicts_of(result);
  model.findings = sorted_findings(input.verification["findings"]);
  model.finding_codes = codes_table(model.findings, result["totals"]);
  model.finding_notes = notes_table(model.finding_codes);
  model.proves = sentences(result["proves"]);
  model.does_not_prove = sentences(result["does_not_prove"]);
  model.completeness = completeness_table(completeness, table.size());
  model.claim_evidence = evidence_table(completeness);
  model.claims = without_empty_columns(claims_table(table));
  model.decisions = decisions_table(input.verification["decisions"]);
  model.decision_reasons = reasons_table(input.verification["decisions"]);
  model.figures = all_figures(table);
  if (input.items) model.designs = design_diffs(table, *input.items);
  if (input.items) model.picture = picture_of(*input.items, input.view);
  return model;
}

Report make_report(const ReportInput& input) {
  const ReportModel model = report_model(input);
  return {report_markdown(model), report_html(model)};
}

Report report_bundle(const formats::Bundle& bundle, const Json& verification) {
  const formats::BundleItems items(bundle);
  const auto view = read_campaign(items);
  return view.ok() ? make_report({verification, *view, &items}) : report_unopened(verification);
}

Report report_unopened(const Json& verification) {
  const formats::Manifest nothing;
  return make_report({verification, CampaignView::Builder(nothing).finish(), nullptr});
}

Json report_files(const Report& report) {
  return Json::object({{"report.md", report.markdown}, {"index.html", report.html}});
}

}  // namespace assay::verify
