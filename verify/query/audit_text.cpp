#include "toolkit/base/text.hpp"
#include "verify/query/audit.hpp"
#include "verify/query/table.hpp"
#include "verify/query/text_parts.hpp"

namespace assay::verify {

namespace {

std::string item_text(const Json& item) {
  std::string out = value_text(item["item"]);
  if (item["digest"].string()) out += "  SHA-256 " + value_text(item["digest"]);
  if (item["content"].string_or("") != "present") out += "  (" + value_text(item["content"]) + ")";
  return out;
}

std::string fields_text(const Json& fields) {
  TextTable table({{"field"}, {"written by"}, {"in", false, 60}, {"SHA-256", false, 80}});
  for (const Json& field : fields.items()) {
    const std::string writers = value_text(field["written_by"]);
    table.add({value_text(field["field"]), writers.empty() ? "not on record" : writers,
               field["content"]["item"].string() ? value_text(field["content"]["item"]) : "not on record",
               value_text(field["content"]["digest"])});
  }
  return table.empty() ? "" : "\nFields\n" + table.text("  ");
}

std::string prompt_text(const Json& prompt) {
  if (!prompt["on_record"].boolean().value_or(false)) return "not on record: " + value_text(prompt["text"]);
  if (prompt.find("item")) return item_text(prompt["item"]);
  return value_text(prompt["where"]) + "  SHA-256 " + value_text(prompt["sha256"]);
}

std::string knowledge_line(const Json& piece) {
  if (!piece["on_record"].boolean().value_or(false)) return value_text(piece["id"]) + "  text not on record";
  std::string out = value_text(piece["id"]);
  if (piece.find("source")) out += "  " + value_text(piece["source"]);
  return out + "  \"" + shorten(value_text(piece["excerpt"]), 80) + "\"  SHA-256 " +
         value_text(piece["sha256"]);
}

std::string step_text(const Json& step, std::size_t number, bool with_experiment) {
  std::string out = "  " + std::to_string(number) + ". " + value_text(step["id"]) +
                    (step.find("agent") ? "  " + value_text(step["agent"]) : "") + "\n";
  LabelledLines lines;
  if (with_experiment) lines.add("experiment", step["experiment"]);
  for (const char* key : {"call", "attempt", "time", "model", "status", "usage"}) lines.add(key, step[key]);
  lines.add("wrote", step["writes"].size() > 0 ? step["writes"] : Json("nothing on record"));
  for (const Json& parent : step["parents"].items()) lines.add("read experiment", mention_text(parent));
  for (const Json& piece : step["knowledge"].items()) lines.add("read knowledge", knowledge_line(piece));
  lines.add("prompt", prompt_text(step["prompt"]));
  for (const Json& exchange : step["exchanges"].items())
    lines.add("exchange", value_text(exchange["exchange"]) + " of the record, by its " +
                              value_text(exchange["by"]) +
                              (exchange.find("transcript") ? "  " + value_text(exchange["transcript"]) : ""));
  lines.add("record",
            "steps.jsonl, line " + value_text(step["line"]) + "  SHA-256 " + value_text(step["line_sha256"]));
  return out + lines.text("       ", 150);
}

std::string steps_text(const Json& document, bool with_experiment) {
  if (document["steps"].size() == 0) return "";
  std::string out = "\nSteps, in order\n";
  std::size_t number = 0;
  for (const Json& step : document["steps"].items()) out += step_text(step, ++number, with_experiment);
  return out;
}

std::string missing_text(const Json& missing) {
  std::string out = "\nNot on record\n";
  for (const Json& entry : missing.items())
    for (const std::string& line : wrap(value_text(entry["text"]), 106)) out += "  " + line + "\n";
  return missing.size() > 0 ? out : "\nNothing that was looked for is missing.\n";
}

std::string relatives_table(const Json& list, const char* title) {
  if (list.size() == 0) return "";
  TextTable table({{"id", true}, {"name"}, {"status"}, {"score", true}, {"steps away", true}, {"via"}});
  for (const Json& entry : list.items())
    table.add({value_text(entry["id"]),
               entry["on_record"].boolean() == false ? "not in this bundle" : value_text(entry["name"]),
               value_text(entry["status"]), value_text(entry["score"]), value_text(entry["distance"]),
               value_text(entry["via"])});
  return std::string("\n") + title + "\n" + table.text("  ");
}

std::string experiment_audit_text(const Json& document) {
  std::string out = "experiment " + value_text(document["experiment"]);
  if (document.find("name")) out += "  " + value_text(document["name"]);
  out += "\n  record   " + item_text(document["record"]) + "\n";
  if (document["steps_item"]["content"].string_or("") != "absent")
    out += "  steps    " + item_text(document["steps_item"]) + "\n";
  for (const Json& parent : document["parents"].items()) {
    out += "  parent   " + mention_text(parent);
    if (parent.find("record")) out += "  SHA-256 " + value_text(parent["record"]["digest"]);
    out += "\n";
  }
  out += fields_text(document["fields"]) + steps_text(document, false);
  if (document["selected"].size() > 0) {
    TextTable table({{"id", true}, {"name"}, {"score", true}, {"in step", false, 60}});
    for (const Json& entry : document["selected"].items())
      table.add({value_text(entry["id"]), value_text(entry["name"]), value_text(entry["score"]),
                 value_text(entry["step"])});
    out += "\nSelected as a parent of\n" + table.text("  ");
  }
  return out + relatives_table(document["ancestors"], "Ancestors") + missing_text(document["missing"]);
}

std::string origin_audit_text(const Json& document) {
  const std::size_t direct = document["direct"].size(), later = document["descendants"].size();
  std::string out =
      "from " + value_text(document["from"]["kind"]) + " " + value_text(document["from"]["value"]) + "\n";
  out += "  " + counted(document["steps"].size(), "matching step") + ", " + counted(direct, "experiment") +
         " directly, " + with_separators(std::uint64_t{later}) + " more through lineage, of " +
         count_text(document["experiments"]) + "\n";
  out += steps_text(document, true);
  if (direct > 0) {
    TextTable table({{"id", true}, {"name"}, {"status"}, {"score", true}, {"through steps", false, 60}});
    for (const Json& entry : document["direct"].items())
      table.add({value_text(entry["id"]), value_text(entry["name"]), value_text(entry["status"]),
                 value_text(entry["score"]), value_text(entry["steps"])});
    out += "\nDirectly\n" + table.text("  ");
  }
  return out + relatives_table(document["descendants"], "Through lineage") +
         missing_text(document["missing"]);
}

}  // namespace

std::string audit_text(const Json& document) {
  return document.find("from") ? origin_audit_text(document) : experiment_audit_text(document);
}

}  // namespace assay::verify
