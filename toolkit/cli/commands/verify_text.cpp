#include "toolkit/cli/commands/verify_text.hpp"

#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/findings.hpp"
#include "toolkit/cli/help.hpp"

namespace assay::cli::commands {

namespace {

constexpr std::string_view kLevels[] = {"intact", "complete", "consistent", "reproduced", "replicated"};
constexpr std::size_t kListed = 12;  // findings under one line; --json has all

std::string_view colour(std::string_view verdict, const Style& style) {
  if (verdict == "yes") return style.green;
  if (verdict == "no") return style.red;
  return verdict == "in doubt" ? style.yellow : style.dim;
}

// The judgement of one signature; it ends in the fingerprint, which stands before it here.
std::string signer_line(const Json& signature) {
  const std::string fingerprint(signature["fingerprint"].string_or("no key"));
  std::string text(signature["text"].string_or(""));
  if (const std::string again = " (" + fingerprint + ")"; text.ends_with(again))
    text.resize(text.size() - again.size());
  return "  signed by   " + shown(fingerprint) + "  " + shown(text) + "\n";
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

std::string stamp_line(const Json& result) {
  const Json* stamp = result.find("timestamp");
  if (!stamp) return "";
  return "  timestamp   " + utc_text((*stamp)["time"].integer().value_or(0)) + "  " +
         shown((*stamp)["authority"].string_or("")) + "\n";
}

std::string header(const Json& document, const Style& style) {
  const Json &result = document["result"], &counts = result["counts"];
  std::string text =
      std::string(style.bold) + shown(document["input"]["path"].string_or("")) + std::string(style.reset);
  if (const std::string_view title = result["title"].string_or(""); !title.empty())
    text += "  " + shown(title);
  if (const auto experiments = counts["experiments"].natural())
    text += ", " + counted(*experiments, "experiment");
  if (const auto claims = counts["claims"].natural()) text += ", " + counted(*claims, "claim");
  text += "\n";
  if (const Json* root = document["input"].find("root"))
    text += "  root        " + shown(root->string_or("")) + "\n";
  for (const Json& signature : result["signatures"].items()) text += signer_line(signature);
  return text + stamp_line(result);
}

std::string time_text(const Json& timings) {
  double seconds = 0;
  for (const Json::Member& member : timings.members()) seconds += member.value.number().value_or(0);
  return timings.size() ? " in " + human_duration(seconds) : "";
}

std::string level_text(std::string_view level, const Json& document, const Style& style) {
  const Json& line = document["result"][level];
  const std::string verdict(line["verdict"].string_or("not tried"));
  std::string text = "  " + padded(std::string(level), 12) + std::string(colour(verdict, style)) +
                     padded(verdict, 9) + std::string(style.reset) + "  " +
                     wrapped(shown(line["text"].string_or("")), 25, 110);
  if (level == "intact") text += time_text(document["timings"]);
  return text + "\n" + findings_text(document["findings"], level, style, kListed);
}

std::string sentences(const char* title, const Json& list) {
  std::string text = std::string(title) + "\n";
  for (const Json& sentence : list.items())
    text += "  - " + wrapped(shown(sentence.string_or("")), 4, 110) + "\n";
  return text;
}

// One line a kind of decision, and why those that are not on record are not.
std::string decisions_text(const Json& decisions, const Style& style) {
  if (!decisions.is_object()) return "";
  const Json& counts = decisions["counts"];
  const auto number = [](const Json& of, const char* key) {
    return with_separators(of[key].natural().value_or(0));
  };
  std::string text = std::string(style.bold) + "Decisions" + std::string(style.reset) + " of " +
                     shown(decisions["system"].string_or("")) + ": ";
  if (!decisions["recomputed"].boolean().value_or(false))
    return text + "not recomputed: " + shown(decisions["because"].string_or("")) + "\n";
  text += number(counts, "equal") + " recomputed, equal; " + number(counts, "different") +
          " recomputed, different; " + number(counts, "not_on_record") + " not on record\n";
  for (const Json& kind : decisions["kinds"].items()) {
    const Json& of = kind["counts"];
    const bool differs = of["different"].natural().value_or(0) > 0;
    text += "  " + padded(shown(kind["kind"].string_or("")), 12) +
            padded(number(of, "equal") + " equal", 12) + std::string(differs ? style.red : "") +
            padded(number(of, "different") + " different", 14) + std::string(differs ? style.reset : "") +
            number(of, "not_on_record") + " not on record\n";
    for (const Json& why : kind["because"].items())
      text += std::string(14, ' ') + std::string(style.dim) + number(why, "count") + " because " +
              wrapped(shown(why["because"].string_or("")), 16, 110) + std::string(style.reset) + "\n";
  }
  return text;
}

}  // namespace

std::string verify_text(const Json& document, const Style& style) {
  std::string text = header(document, style);
  for (const std::string_view level : kLevels) text += level_text(level, document, style);
  return text + decisions_text(document["decisions"], style) + meaning_text(document["result"]);
}

std::string meaning_text(const Json& result) {
  return sentences("What this proves:", result["proves"]) +
         sentences("What it does not:", result["does_not_prove"]);
}

std::string proof_verdict_text(const Json& document, const Style& style) {
  const Json& result = document["result"];
  std::string text = std::string(style.bold) + shown(document["input"]["path"].string_or("")) +
                     std::string(style.reset) + "  proof from " + shown(result["title"].string_or("")) +
                     "\n  root        " + shown(document["input"]["root"].string_or("")) + "\n";
  for (const Json& signature : result["signatures"].items()) text += signer_line(signature);
  text += stamp_line(result);
  const std::string verdict(result["intact"]["verdict"].string_or("no"));
  text += "  intact      " + std::string(colour(verdict, style)) + verdict + std::string(style.reset) + "  " +
          shown(result["intact"]["text"].string_or("")) + "\n";
  text += findings_text(document["findings"], "intact", style, kListed);
  for (const Json& item : result["items"].items())
    text += "    " + shown(item["name"].string_or("")) + "  " + shown(item["type"].string_or("")) + "  " +
            human_bytes(item["size"].natural().value_or(0)) +
            (item["content"].boolean().value_or(false) ? "  with its content" : "  digest only") + "\n";
  return text + meaning_text(result);
}

}  // namespace assay::cli::commands
