// report.md: the same as index.html without the pictures; their numbers stand as tables.
#include "toolkit/base/text.hpp"
#include "verify/report/report.hpp"

namespace assay::verify {

namespace {

// Text that Markdown cannot take for markup: on one line, with every character that could begin some escaped,
// and HTML as entities (most renderers pass it through).
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : escape_terminal(text)) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (std::string_view("\\`*_{}[]()#+!|~$^@").find(c) != std::string_view::npos)
      out += '\\', out += c;
    else
      out += c;
  }
  // "1. ", "- " and "= " mean something at the start of a line, and "http://" and "www." anywhere in many
  // renderers.
  if (!out.empty() && (out[0] == '-' || out[0] == '=')) out.insert(0, 1, '\\');
  for (const std::string_view link : {"://", "www."})
    for (std::size_t at = out.find(link); at != std::string::npos; at = out.find(link, at + 8))
      out.replace(at, 1, link[0] == ':' ? "&#58;" : "&#119;");
  return out;
}

// In a code span only the backtick has meaning; the text is hexadecimal digits, base64 or names that assay
// made.
std::string code(std::string_view text) {
  std::string out = "`";
  for (const char c : escape_terminal(text)) {
    if (c == '|') out += '\\';  // a table ends its cell at a bare one, even in code
    out += c == '`' ? '\'' : c;
  }
  return out + "`";
}

// `like this` stays code, as verify's sentences mean it; everything else is plain text.
std::string sentence(std::string_view text) {
  std::string out;
  bool in_code = false;
  for (const std::string_view part : split(text, '`')) {
    out += in_code ? code(part) : plain(part);
    in_code = !in_code;
  }
  return out;
}

std::string row_line(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& cell : cells) out += " " + cell + " |";
  return out + "\n";
}

std::string table_markdown(const ReportTable& table) {
  std::vector<std::string> titles, rules;
  for (const auto& column : table.columns)
    titles.push_back(plain(column.title)), rules.emplace_back(column.numeric ? "---:" : "---");
  std::string out = plain(table.caption) + ":\n\n" + row_line(titles) + row_line(rules);
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const std::string& cell : row) cells.push_back(plain(cell));
    out += row_line(cells);
  }
  return out + "\n";
}

std::string first_page(const ReportModel& model) {
  std::string out = "# " + plain(model.title) +
                    "\n\nVerification report\n\n- root: " + code(group_hex(model.root, 8)) + "\n";
  for (const auto& [name, value] : model.facts) out += "- " + plain(name) + ": " + plain(value) + "\n";
  for (const auto& [fingerprint, text] : model.signers)
    out += "- signed by: " + code(fingerprint) + " " + plain(text) + "\n";
  if (model.signers.empty()) out += "- signed by: no signature on record\n";
  out += "\n" + row_line({"question", "answer", "why"}) + row_line({"---", "---", "---"});
  for (const VerdictLine& line : model.verdicts)
    out += row_line({plain(line.level), "**" + plain(line.answer) + "**", sentence(line.text)});
  return out + "\n" + (model.finding_codes.rows.empty() ? "" : table_markdown(model.finding_codes));
}

std::string list_markdown(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += "- " + sentence(line) + "\n";
  return out + "\n";
}

std::string findings_markdown(const ReportModel& model) {
  std::string out = "## Findings\n\n";
  if (model.findings.size() == 0) return out + "There are no findings.\n\n";
  out += row_line({"severity", "code", "subject", "finding", "expected", "found"}) +
         row_line({"---", "---", "---", "---", "---", "---"});
  for (const Json& finding : model.findings.items()) {
    std::vector<std::string> cells;
    for (const char* part : {"severity", "code", "subject", "text", "expected", "found"})
      cells.push_back(plain(finding[part].string_or("")));
    out += row_line(cells);
  }
  return out + "\n" + (model.finding_notes.rows.empty() ? "" : table_markdown(model.finding_notes));
}

}  // namespace

std::string report_markdown(const ReportModel& model) {
  std::string out = first_page(model) + "## What this proves\n\n" + list_markdown(model.proves) +
                    "## What it does not\n\n" + list_markdown(model.does_not_prove) +
                    findings_markdown(model);
  out += "## Completeness\n\n" + (model.completeness.rows.empty() ? "There are no experiments.\n\n"
                                                                  : table_markdown(model.completeness));
  if (!model.claim_evidence.rows.empty()) out += table_markdown(model.claim_evidence);
  out += "## Claims\n\n" +
         (model.claims.rows.empty() ? "The campaign states no claims.\n\n" : table_markdown(model.claims));
  if (!model.decisions.rows.empty())
    out += "## Decisions of the search\n\n" + table_markdown(model.decisions) +
           (model.decision_reasons.rows.empty() ? "" : table_markdown(model.decision_reasons));
  out += "## Numbers\n\nThe pictures of these numbers are in index.html.\n\n";
  for (const Figure& figure : model.figures)
    out += "### " + plain(figure.title) + "\n\n" + plain(figure.description) + "\n\n" +
           table_markdown(figure.table);
  if (!model.designs.shown.empty())
    out += "## Designs\n\nThe differences themselves are in index.html.\n\n" +
           table_markdown(designs_table(model.designs));
  return out +
         "## Check it again\n\n    assay verify FILE --trust authors.allowed\n\nThe root above is the "
         "bundle's identity: a bundle with the same root holds the same items, byte for byte.\n";
}

}  // namespace assay::verify
