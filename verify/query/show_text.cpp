#include <algorithm>
#include <cmath>

#include "toolkit/base/text.hpp"
#include "verify/query/list.hpp"
#include "verify/query/numbers.hpp"
#include "verify/query/show.hpp"
#include "verify/query/table.hpp"
#include "verify/query/text_parts.hpp"

namespace assay::verify {

namespace {

std::string authors_text(const Json& authors) {
  std::vector<std::string> names;
  for (const Json& author : authors.items()) {
    std::string name(author["name"].string_or("?"));
    if (const auto* orcid = author["orcid"].string()) name += " (" + *orcid + ")";
    names.push_back(std::move(name));
  }
  return join(names, ", ");
}

std::string kinds_table(const Json& kinds) {
  TextTable table({{"kind"}, {"items", true}, {"bytes", true}, {"withheld", true}, {"left out", true}});
  for (const Json& kind : kinds.items())
    table.add({std::string(kind["kind"].string_or("")), count_text(kind["items"]),
               human_bytes(kind["bytes"].natural().value_or(0)), count_text(kind["withheld"]),
               count_text(kind["left_out"])});
  return table.text("  ");
}

std::string metrics_overview(const Json& metrics) {
  TextTable table({{"metric"}, {"kind"}, {"better"}, {"group"}, {"experiments", true}, {"values", true}});
  for (const Json& metric : metrics.items())
    table.add({std::string(metric["metric"].string_or("")), std::string(metric["kind"].string_or("")),
               std::string(metric["direction"].string_or("")), std::string(metric["group"].string_or("")),
               count_text(metric["experiments"]), count_text(metric["values"])});
  return table.text("  ");
}

std::string campaign_text(const Json& document) {
  std::string out = escape_terminal(document["title"].string_or("(no title)")) + "\n";
  LabelledLines lines;
  for (const char* key : {"system", "paper", "doi", "licence", "lineage"}) lines.add(key, document[key]);
  if (document["authors"].size() > 0) lines.add("authors", authors_text(document["authors"]));
  lines.add("root", group_hex(document["root"].string_or("")));
  if (document.find("generation")) lines.add("generation", document["generation"]);
  if (document.find("supersedes")) lines.add("supersedes", group_hex(document["supersedes"].string_or("")));
  for (const Json& signature : document["signatures"].items())
    lines.add("signed by", std::string(signature["fingerprint"].string_or("a key of another kind")) +
                               " (not judged here: assay verify)");
  for (const char* key : {"experiments", "items", "steps", "claims", "baselines"})
    lines.add(key, count_text(document[key]));
  if (document["unreadable"].natural().value_or(0) > 0)
    lines.add("unreadable", count_text(document["unreadable"]) + " records (assay verify names them)");
  out += lines.text();
  if (document["kinds"].size() > 0) out += "\nItems\n" + kinds_table(document["kinds"]);
  if (document["metrics"].size() > 0) out += "\nMetrics\n" + metrics_overview(document["metrics"]);
  if (document["best"].size() > 0) {
    TextTable table({{"id", true}, {"name"}, {"score", true}});
    for (const Json& best : document["best"].items())
      table.add({value_text(best["id"]), value_text(best["name"]), value_text(best["score"])});
    out += "\nHighest scores\n" + table.text("  ");
  }
  std::vector<std::string> stages;
  for (const Json& stage : document["stages"].items()) stages.emplace_back(stage.string_or(""));
  return out + "\nMore: assay show FILE " + escape_terminal(join(stages, "|")) + " or an experiment's id\n";
}

std::string metric_lines(const Json& metrics) {
  TextTable table({{"metric"},
                   {"last", true},
                   {"first", true},
                   {"min", true},
                   {"max", true},
                   {"points", true},
                   {"", false, 64}});
  for (const Json& metric : metrics.items()) {
    std::vector<double> values;
    for (const Json& value : metric["values"].items())
      values.push_back(value.number().value_or(std::nan("")));
    table.add({value_text(metric["metric"]), std::string(metric["text"].string_or("")),
               value_text(metric["first"]), value_text(metric["min"]), value_text(metric["max"]),
               count_text(metric["points"]), values.size() > 2 ? sparkline(values, 40) : ""});
  }
  return table.text("  ");
}

std::string files_table(const Json& files) {
  TextTable table({{"role"}, {"item", false, 80}, {"size", true}, {"SHA-256", false, 80}, {"content"}});
  for (const Json& file : files.items()) {
    const auto size = file["size"].natural();
    table.add({value_text(file["role"]), value_text(file["item"]), size ? human_bytes(*size) : "",
               value_text(file["digest"]), value_text(file["content"])});
  }
  return table.text("  ");
}

std::string experiment_text(const Json& document) {
  const Json& record = document["record"];
  std::string out = "experiment " + escape_terminal(record["id"].string_or("")) + "\n";
  LabelledLines lines;
  for (const auto& member : record.members())
    if (member.key != "id" && member.key != "files" && member.key != "parents")
      lines.add(member.key, member.value);
  for (const Json& parent : document["parents"].items()) lines.add("parent", mention_text(parent));
  if (record.find("parents") && record["parents"].size() == 0) lines.add("parent", "none");
  if (document["steps"].size() > 0)
    lines.add("agent steps", count_text(Json(document["steps"].size())) + " (assay audit shows them)");
  out += lines.text();
  if (document["metrics"].size() > 0) out += "\nMetrics\n" + metric_lines(document["metrics"]);
  if (document["files"].size() > 0) out += "\nFiles\n" + files_table(document["files"]);
  std::vector<std::string> absent;
  for (const Json& field : document["absent"].items()) absent.emplace_back(field.string_or(""));
  if (!absent.empty()) out += "\nNot on record: " + escape_terminal(join(absent, ", ")) + "\n";
  return out;
}

std::string manifest_text(const Json& document) {
  TextTable table({{"item", false, 100}, {"type"}, {"size", true}, {"SHA-256", false, 80}, {"content"}});
  for (const Json& item : document["items"].items())
    table.add({value_text(item["item"]), value_text(item["type"]),
               item["size"].natural() ? with_separators(*item["size"].natural()) : "-",
               value_text(item["digest"]), value_text(item["content"])});
  return table.text() + counted(document["items"].size(), "item") + ", root " +
         group_hex(document["root"].string_or("")) + "\n";
}

std::string claims_text(const Json& content) {
  std::string out;
  for (const Json& claim : content["claims"].items()) {
    out += value_text(claim["id"]) +
           (claim["external"].boolean().value_or(false) ? "  (external: in no campaign file)" : "") + "\n";
    LabelledLines lines;
    for (const auto& member : claim.members())
      if (member.key != "id" && member.key != "external") lines.add(member.key, member.value);
    out += lines.text();
  }
  return out.empty() ? "no claims\n" : out;
}

std::string baselines_text(const Json& content) {
  TextTable table(
      {{"baseline"}, {"name"}, {"source", false, 60}, {"in campaign files"}, {"metric"}, {"value", true}});
  for (const Json& baseline : content["baselines"].items()) {
    std::vector<std::string> lead = {value_text(baseline["id"]), value_text(baseline["name"]),
                                     value_text(baseline["source"]),
                                     baseline["external"].boolean().value_or(false) ? "no" : "yes"};
    for (const auto& metric : baseline["metrics"].members()) {
      std::vector<std::string> cells = lead;
      cells.push_back(metric.key);
      cells.push_back(value_text(metric.value));
      table.add(std::move(cells));
      lead = {"", "", "", ""};
    }
  }
  return table.empty() ? "no baselines\n" : table.text();
}

std::string steps_table(const Json& document) {
  TextTable table({{"step"},
                   {"experiment"},
                   {"order", true},
                   {"agent"},
                   {"status"},
                   {"time"},
                   {"writes"},
                   {"transcript", false, 60}});
  for (const Json& step : document["steps"].items())
    table.add({value_text(step["id"]), value_text(step["experiment"]), value_text(step["order"]),
               value_text(step["agent"]), value_text(step["status"]), value_text(step["time"]),
               value_text(step["writes"]), value_text(step["transcript"])});
  return (table.empty() ? "" : table.text()) + counted(document["steps"].size(), "step") + " on record\n";
}

std::string knowledge_text(const Json& document) {
  TextTable table({{"id"}, {"source", false, 40}, {"content", false, 100}});
  for (const Json& piece : document["pieces"].items())
    table.add({value_text(piece["id"]), value_text(piece["source"]), value_text(piece["content"])});
  return (table.empty() ? "" : table.text()) + counted(document["pieces"].size(), "piece") +
         " of knowledge on record\n";
}

}  // namespace

std::string show_text(const Json& document) {
  if (document["assay"].string_or("") == "list") return list_text(document);
  const std::string_view what = document["what"].string_or("");
  if (what == "campaign") return campaign_text(document);
  if (what == "experiment") return experiment_text(document);
  if (what == "manifest") return manifest_text(document);
  if (what == "steps") return steps_table(document);
  if (what == "knowledge") return knowledge_text(document);
  const Json* content = what == "statement" ? document.find("statement") : document.find("content");
  if (!content)
    return escape_terminal(what) + ": " + value_text(document["source"]["content"]) +
           "; the campaign has no readable " + value_text(document["source"]["item"]) + "\n";
  if (what == "claims") return claims_text(*content);
  if (what == "baselines") return baselines_text(*content);
  return escape_terminal(content->dump_pretty(), Lines::keep);
}

}  // namespace assay::verify
