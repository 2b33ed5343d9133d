#include <cmath>

#include "toolkit/base/text.hpp"
#include "verify/query/diff.hpp"
#include "verify/query/numbers.hpp"
#include "verify/query/table.hpp"
#include "verify/query/text_parts.hpp"

namespace assay::verify {

namespace {

std::string or_absent(const Json& object, std::string_view key) {
  return object.find(key) ? value_text(object[key]) : "(absent)";
}

std::string side_text(const Json& side) {
  return value_text(side["id"]) + (side.find("name") ? "  " + value_text(side["name"]) : "");
}

std::string fields_table(const Json& fields, const char* title) {
  if (fields.size() == 0) return "";
  TextTable table({{"field", false, 60}, {"a", false, 70}, {"b", false, 70}});
  for (const Json& field : fields.items())
    table.add({value_text(field["field"]), or_absent(field, "a"), or_absent(field, "b")});
  return std::string("\n") + title + "\n" + table.text("  ");
}

std::string change_text(const Json& metric) {
  const auto change = metric["change"].number();
  return change ? (*change > 0 ? "+" : "") + format_short(*change) : "";
}

std::string metrics_table(const Json& metrics) {
  if (metrics.size() == 0) return "\nMetrics\n  none on record\n";
  TextTable table({{"metric"}, {"a", true}, {"b", true}, {"change", true}, {"better"}});
  for (const Json& metric : metrics.items())
    table.add({value_text(metric["metric"]), or_absent(metric, "a"), or_absent(metric, "b"),
               change_text(metric), value_text(metric["better"])});
  return "\nMetrics (a curve's last value)\n" + table.text("  ");
}

std::string files_table(const Json& files) {
  TextTable table({{"role"}, {""}, {"a: SHA-256", false, 20}, {"b: SHA-256", false, 20}});
  for (const Json& file : files.items())
    table.add({value_text(file["role"]),
               file["same"].boolean().value_or(false) ? "same"
               : !file.find("a")                      ? "only b"
               : !file.find("b")                      ? "only a"
                                                      : "differs",
               value_text(file["a"]["digest"]), value_text(file["b"]["digest"])});
  return table.empty() ? "" : "\nFiles\n" + table.text("  ");
}

std::string range_text(const Json& start, const Json& count) {
  const std::string text = value_text(start);
  return count.integer() == 1 ? text : text + "," + value_text(count);
}

std::string program_text(const Json& program) {
  std::string out = "\nProgram\n";
  if (!program["compared"].boolean().value_or(false))
    return out + "  " + value_text(program["why_not"]) + "\n";
  if (program["same"].boolean().value_or(false)) return out + "  the same, byte for byte\n";
  out +=
      "  " + counted(program["removed"].natural().value_or(0), "line") + " removed, " +
      counted(program["added"].natural().value_or(0), "line") + " added" +
      (program["shortest"].boolean().value_or(true)
           ? ""
           : " (so different that this is not the shortest difference)") +
      (program["exact"].boolean().value_or(true) ? "" : " (bytes that are not UTF-8 are shown as U+FFFD)") +
      "\n";
  out += "--- a/" + value_text(program["a"]["item"]) + "\n+++ b/" + value_text(program["b"]["item"]) + "\n";
  for (const Json& hunk : program["hunks"].items()) {
    out += "@@ -" + range_text(hunk["a_start"], hunk["a_count"]) + " +" +
           range_text(hunk["b_start"], hunk["b_count"]) + " @@\n";
    // A line holds no line feed, so keeping those keeps the tabs of the program and nothing else.
    for (const Json& line : hunk["lines"].items())
      out += escape_terminal(line.string_or(""), Lines::keep) + "\n";
  }
  return out;
}

std::string experiments_text(const Json& document) {
  return "a  " + side_text(document["a"]) + "\nb  " + side_text(document["b"]) + "\n" +
         fields_table(document["fields"], "Fields that differ") + metrics_table(document["metrics"]) +
         files_table(document["files"]) + program_text(document["program"]);
}

std::string bundle_side(const Json& side) {
  return value_text(side["file"]) + "  " + value_text(side["title"]) + "  root " +
         group_hex(side["root"].string_or("").substr(0, 16)) + " ...  " +
         counted(side["items"].natural().value_or(0), "item") +
         (side.find("generation") ? ", generation " + value_text(side["generation"]) : "");
}

std::string item_list(const Json& items, const std::string& which, char mark) {
  const Json& list = items[which];
  const std::uint64_t count = items[which + "_count"].natural().value_or(0);
  if (count == 0) return "";
  constexpr std::size_t kShown = 40;
  std::string out = "\nItems " + which + ": " + with_separators(count) + "\n";
  std::size_t shown = 0;
  for (const Json& item : list.items()) {
    if (shown++ == kShown) break;
    out += std::string("  ") + mark + " " + value_text(item["item"]) + "\n";
  }
  if (count > kShown) out += "  and " + with_separators(count - kShown) + " more (--json lists them)\n";
  return out;
}

std::string bundle_metrics(const Json& document) {
  if (document["metrics"].size() == 0) return "";
  TextTable table({{"experiment"}, {"metric"}, {"step", true}, {"a", true}, {"b", true}});
  std::size_t shown = 0;
  for (const Json& metric : document["metrics"].items()) {
    if (shown++ == 40) break;
    table.add({value_text(metric["experiment"]), value_text(metric["metric"]), value_text(metric["step"]),
               or_absent(metric, "a"), or_absent(metric, "b")});
  }
  return "\nNumbers that differ: " + count_text(document["metrics_count"]) + "\n" + table.text("  ");
}

// Of two searches: whether they came to the same.
std::string result_roots(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return "";
  if (a == b) return "\nThe same search: both have the result root " + std::string(a) + "\n";
  return "\nDifferent searches: result root " + std::string(a) + " and " + std::string(b) + "\n";
}

std::string bundles_text(const Json& document) {
  std::string out = "a  " + bundle_side(document["a"]) + "\nb  " + bundle_side(document["b"]) + "\n";
  const Json& items = document["items"];
  if (document["same_root"].boolean().value_or(false))
    out += "\nThe same root: every item is the same.\n";
  else
    out += "\n" + counted(items["unchanged_count"].natural().value_or(0), "item") + " the same\n";
  out += result_roots(document["a"]["result_root"].string_or(""), document["b"]["result_root"].string_or(""));
  out += item_list(items, "added", '+') + item_list(items, "removed", '-') + item_list(items, "changed", '~');
  return out + fields_table(document["statement"], "Statement") + bundle_metrics(document);
}

}  // namespace

std::string diff_text(const Json& document) {
  return document["what"].string_or("") == "bundles" ? bundles_text(document) : experiments_text(document);
}

}  // namespace assay::verify
