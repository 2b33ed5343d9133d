// index.html. Every text goes through escape_html; the only markup that is not written here is the SVG of
// figures, whose texts are escaped where they are drawn.
#include "toolkit/base/text.hpp"
#include "verify/report/html_style.hpp"
#include "verify/report/report.hpp"

namespace assay::verify {

namespace {

std::string element(std::string_view name, std::string_view text, std::string_view attributes = "") {
  return "<" + std::string(name) + (attributes.empty() ? "" : " ") + std::string(attributes) + ">" +
         escape_html(text) + "</" + std::string(name) + ">";
}

std::string mono(std::string_view text) { return element("code", text); }

// `like this` becomes code, as verify's sentences mean it.
std::string sentence(std::string_view text) {
  std::string out;
  bool code = false;
  for (const std::string_view part : split(text, '`')) {
    out += code ? mono(part) : escape_html(part);
    code = !code;
  }
  return out;
}

std::string table_html(const ReportTable& table, std::string_view css_class = "") {
  std::string out = "<div class=\"scroll\"><table" +
                    (css_class.empty() ? std::string() : " class=\"" + std::string(css_class) + "\"") +
                    ">\n" + element("caption", table.caption) + "\n<thead><tr>";
  for (const auto& column : table.columns)
    out += element("th", column.title, column.numeric ? "scope=\"col\" class=\"n\"" : "scope=\"col\"");
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size() && i < table.columns.size(); ++i) {
      const bool numeric = table.columns[i].numeric;
      out += i == 0 ? element("th", row[i], numeric ? "scope=\"row\" class=\"n\"" : "scope=\"row\"")
                    : element("td", row[i], numeric ? "class=\"n\"" : "");
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string head_html(const ReportModel& model) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'unsafe-inline'; img-src data:\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta "
         "name=\"color-scheme\" content=\"light dark\">\n" +
         element("title", model.title + ": verification report") + "\n<style>\n" + std::string(kReportStyle) +
         "</style>\n</head>\n<body>\n";
}

std::string_view verdict_class(std::string_view answer) {
  return answer == "yes" ? "yes" : answer == "no" ? "no" : answer == "in doubt" ? "doubt" : "open";
}

// The answer stands in words; colour and sign only repeat it.
std::string verdicts_html(const ReportModel& model) {
  std::string out =
      "<table class=\"verdicts\">\n<caption>Verdict</caption>\n<thead class=\"unseen\"><tr><th "
      "scope=\"col\">question</th><th scope=\"col\">answer</th><th "
      "scope=\"col\">why</th></tr></thead>\n<tbody>\n";
  for (const VerdictLine& line : model.verdicts) {
    const std::string css(verdict_class(line.answer));
    out += "<tr class=\"" + css + "\">" + element("th", line.level, "scope=\"row\"") +
           "<td><span class=\"answer " + css + "\">" + escape_html(line.answer) + "</span></td>" + "<td>" +
           sentence(line.text) + "</td></tr>\n";
  }
  return out + "</tbody></table>\n";
}

std::string root_html(const ReportModel& model) {
  std::string out = "<p class=\"root\"><span class=\"what\">Root</span> ";
  for (std::size_t at = 0; at < model.root.size(); at += 8)
    out += (at ? " " : "") + mono(model.root.substr(at, 8));
  return out + "</p>\n";
}

std::string facts_html(const ReportModel& model) {
  std::string out = "<dl class=\"facts\">\n";
  for (const auto& [name, value] : model.facts)
    out += "<div>" + element("dt", name) + element("dd", value) + "</div>\n";
  for (const auto& [fingerprint, text] : model.signers)
    out += "<div>" + element("dt", "signed by") + "<dd>" + mono(fingerprint) + " " + escape_html(text) +
           "</dd></div>\n";
  if (model.signers.empty())
    out += "<div>" + element("dt", "signed by") + element("dd", "no signature on record") + "</div>\n";
  return out + "</dl>\n";
}

std::string first_page(const ReportModel& model) {
  std::string out = "<header>\n<p class=\"kind\">Verification report</p>\n" + element("h1", model.title) +
                    "\n" + root_html(model) + facts_html(model) + "</header>\n<main>\n";
  out += "<section id=\"verdict\">\n<h2 class=\"unseen\">Verdict</h2>\n" + verdicts_html(model) +
         (model.finding_codes.rows.empty() ? "" : table_html(model.finding_codes, "numbers")) +
         "</section>\n";
  out += "<nav aria-label=\"Contents\"><p>Contents: ";
  const std::pair<const char*, const char*> links[] = {
      {"proves", "What this proves"}, {"findings", "Findings"}, {"completeness", "Completeness"},
      {"claims", "Claims"},           {"figures", "Figures"},   {"designs", "Designs"},
      {"again", "Check it again"}};
  for (const auto& [id, title] : links) {
    if (std::string_view(id) == "designs" && model.designs.shown.empty()) continue;
    out += "<a href=\"#" + std::string(id) + "\">" + title + "</a> ";
  }
  return out + "</p></nav>\n";
}

std::string list_html(const std::vector<std::string>& lines) {
  std::string out = "<ul>\n";
  for (const std::string& line : lines) out += "<li>" + sentence(line) + "</li>\n";
  return out + "</ul>\n";
}

std::string proves_html(const ReportModel& model) {
  return "<section id=\"proves\" class=\"two\">\n<div>\n<h2>What this proves</h2>\n" +
         list_html(model.proves) + "</div>\n<div>\n<h2>What it does not</h2>\n" +
         list_html(model.does_not_prove) + "</div>\n</section>\n";
}

std::string finding_html(const Json& finding) {
  const std::string severity(finding["severity"].string_or("error"));
  std::string out =
      "<tr class=\"" + std::string(severity == "error" || severity == "warning" ? severity : "note") + "\">" +
      element("td", severity, "class=\"severity\"") + "<td>" + mono(finding["code"].string_or("")) + "</td>" +
      element("td", finding["subject"].string_or("")) + "<td>" + sentence(finding["text"].string_or(""));
  std::string more;
  for (const char* part : {"expected", "found"})
    if (const auto* text = finding[part].string())
      more += "<div>" + element("dt", part) + element("dd", *text) + "</div>";
  if (!more.empty()) out += "<dl>" + more + "</dl>";
  return out + "</td></tr>\n";
}

std::string findings_html(const ReportModel& model) {
  std::string out = "<section id=\"findings\">\n<h2>Findings</h2>\n";
  if (model.findings.size() == 0) return out + "<p>There are no findings.</p>\n</section>\n";
  out += "<div class=\"scroll\"><table class=\"findings\">\n<caption>" +
         escape_html(counted(model.findings.size(), "finding")) +
         ", errors first</caption>\n<thead><tr><th scope=\"col\">severity</th><th scope=\"col\">code</th><th "
         "scope=\"col\">subject</th><th scope=\"col\">finding</th></tr></thead>\n<tbody>\n";
  for (const Json& finding : model.findings.items()) out += finding_html(finding);
  out += "</tbody></table></div>\n";
  return out + (model.finding_notes.rows.empty() ? "" : table_html(model.finding_notes, "notes")) +
         "</section>\n";
}

std::string tables_html(const ReportModel& model) {
  std::string out = "<section id=\"completeness\">\n<h2>Completeness</h2>\n";
  out += model.completeness.rows.empty() ? "<p>There are no experiments.</p>\n"
                                         : table_html(model.completeness, "matrix");
  if (!model.claim_evidence.rows.empty()) out += table_html(model.claim_evidence, "matrix");
  out += "</section>\n<section id=\"claims\">\n<h2>Claims</h2>\n";
  out += model.claims.rows.empty() ? "<p>The campaign states no claims.</p>\n" : table_html(model.claims);
  if (!model.decisions.rows.empty())
    out += "</section>\n<section id=\"decisions\">\n<h2>Decisions of the search</h2>\n" +
           table_html(model.decisions, "numbers") +
           (model.decision_reasons.rows.empty() ? "" : table_html(model.decision_reasons, "notes"));
  return out + "</section>\n";
}

std::string picture_html(const ReportModel& model) {
  if (!model.picture) return "";
  const ForeignPicture& picture = *model.picture;
  return "<figure id=\"own-picture\">\n<h3>The campaign's own picture of experiment " +
         escape_html(picture.experiment) + "</h3>\n<img src=\"" + escape_html(picture.data_url) +
         "\" alt=\"" +
         escape_html("Picture of experiment " + picture.experiment +
                     " as the campaign's authors made it; it was not checked.") +
         "\">\n<figcaption>Item " + mono(picture.item) + ", SHA-256 " + mono(picture.digest) +
         ". It is shown as the authors made it; nothing in it was checked.</figcaption>\n</figure>\n";
}

std::string figures_html(const ReportModel& model) {
  std::string out = "<section id=\"figures\">\n<h2>Figures</h2>\n";
  if (model.figures.empty()) out += "<p>The records hold no numbers to draw.</p>\n";
  for (const Figure& figure : model.figures)
    out += "<figure id=\"" + escape_html("figure-" + figure.id) + "\">\n" + element("h3", figure.title) +
           "\n" + figure.svg + "<figcaption>" + escape_html(figure.description) + "</figcaption>\n" +
           table_html(figure.table, "numbers") + "</figure>\n";
  return out + picture_html(model) + "</section>\n";
}

std::string designs_html(const ReportModel& model) {
  if (model.designs.shown.empty()) return "";
  std::string out =
      "<section id=\"designs\">\n<h2>Designs</h2>\n" + table_html(designs_table(model.designs), "numbers");
  for (const DesignDiff& design : model.designs.shown)
    out += "<details>\n" + element("summary", design.label + ", made from " + design.parent) + "\n" +
           element("pre", join(design.lines, "\n")) + "\n</details>\n";
  return out + "</section>\n";
}

std::string again_html(const ReportModel& model) {
  return "<section id=\"again\">\n<h2>Check it again</h2>\n<pre>assay verify " + escape_html(model.file) +
         " --trust authors.allowed\nassay list " + escape_html(model.file) +
         " --sort score:desc --limit 10\nassay audit " + escape_html(model.file) +
         " EXPERIMENT\n</pre>\n<p>The root above is the bundle's identity: a bundle with the same root holds "
         "the same items, byte for byte. "
         "It is worth comparing with the root that the paper or its archive states.</p>\n</section>\n";
}

}  // namespace

std::string report_html(const ReportModel& model) {
  return head_html(model) + first_page(model) + proves_html(model) + findings_html(model) +
         tables_html(model) + figures_html(model) + designs_html(model) + again_html(model) +
         "</main>\n</body>\n</html>\n";
}

}  // namespace assay::verify
