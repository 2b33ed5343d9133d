// `audit --from`: what followed from a step, a prompt, a piece of knowledge or an experiment.
#include <algorithm>
#include <set>

#include "toolkit/base/text.hpp"
#include "verify/query/audit.hpp"
#include "verify/query/audit_steps.hpp"
#include "verify/query/lineage.hpp"
#include "verify/query/records.hpp"

namespace assay::verify {

namespace {

using formats::ItemSource;

struct Origin {
  std::string kind, value;
};

Result<Origin> parse_origin(std::string_view from) {
  const auto colon = from.find(':');
  Origin origin{std::string(from.substr(0, colon)),
                colon == from.npos ? "" : std::string(from.substr(colon + 1))};
  const bool known = origin.kind == "step" || origin.kind == "prompt" || origin.kind == "knowledge" ||
                     origin.kind == "experiment";
  if (known && !origin.value.empty()) return origin;
  return Error{Fault::usage,
               "--from \"" + escape_terminal(from) +
                   "\": expected step:ID, prompt:TEXT-OR-ITEM, knowledge:ID or experiment:ID",
               "", "for example: --from knowledge:da272bc0"};
}

struct Matches {
  std::vector<const StepLine*> steps;
  std::size_t without_words = 0;  ///< steps whose prompt is not on record: they could not be searched
};

// A prompt is found by its transcript item's name or digest, or by words that occur in it: as they stand
// there, or as JSON writes them (a line feed is \n in a transcript).
Result<bool> has_prompt(const ItemSource& items, const StepLine& line, const std::string& value,
                        Matches& matches) {
  if (line.step.transcript == value) return true;
  if (line.step.transcript)
    if (const auto item = items.manifest().find(*line.step.transcript);
        item && items.manifest().entry(*item).digest.text() == value)
      return true;
  const auto words = ASSAY_TRY(words_of(items, line));
  if (!words) {
    ++matches.without_words;
    return false;
  }
  std::string quoted = Json(value).dump();
  quoted = quoted.substr(1, quoted.size() - 2);
  return words->find(value) != std::string::npos || words->find(quoted) != std::string::npos;
}

Result<Matches> find_steps(const ItemSource& items, const std::vector<StepLine>& steps,
                           const Origin& origin) {
  Matches matches;
  for (const StepLine& line : steps) {
    bool hit = false;
    const auto& read = line.step.reads_knowledge;
    if (origin.kind == "step")
      hit = line.step.id == origin.value;
    else if (origin.kind == "knowledge")
      hit = std::find(read.begin(), read.end(), origin.value) != read.end();
    else if (origin.kind == "prompt")
      hit = ASSAY_TRY(has_prompt(items, line, origin.value, matches));
    if (hit) matches.steps.push_back(&line);
  }
  return matches;
}

Json row_json(const formats::CampaignTable& table, std::uint32_t row) {
  Json json = Json::object({{"id", table.id(row)}});
  if (const auto name = table.name(row)) json.set("name", *name);
  if (const auto status = table.status(row)) json.set("status", *status);
  if (const auto score = table.score(row)) json.set("score", *score);
  return json;
}

struct Direct {
  std::vector<std::uint32_t> rows;  ///< ascending, each once
  Json json = Json::array();
};

Direct direct_of(const formats::CampaignTable& table, const Matches& matches, const Origin& origin) {
  std::map<std::uint32_t, std::vector<std::string>> steps_by_row;
  for (const StepLine* line : matches.steps)
    if (line->step.experiment)
      if (const auto row = table.find(*line->step.experiment)) steps_by_row[*row].push_back(line->step.id);
  if (origin.kind == "experiment")
    if (const auto row = table.find(origin.value)) steps_by_row[*row];
  Direct direct;
  for (const auto& [row, steps] : steps_by_row) {
    direct.rows.push_back(row);
    direct.json.push(row_json(table, row).set("steps", texts_json(steps)));
  }
  return direct;
}

Json descendants_json(const formats::CampaignTable& table, const std::vector<std::uint32_t>& from) {
  const Lineage lineage(table);
  Json out = Json::array();
  for (const Lineage::Reached& reached : lineage.descendants(from))
    out.push(
        row_json(table, reached.row).set("distance", reached.distance).set("via", table.id(reached.via)));
  return out;
}

Json missing_json(const ItemSource& items, const formats::CampaignTable& table, const Origin& origin,
                  const Matches& matches) {
  Json missing = Json::array();
  const auto say = [&missing](const char* what, const std::string& text) {
    missing.push(Json::object({{"what", what}, {"text", as_utf8(text)}}));
  };
  if (origin.kind != "experiment") {
    if (presence_of(items, "steps.jsonl") != Presence::present)
      say("steps", "The campaign has no readable record of agent steps (steps.jsonl): what followed from a " +
                       origin.kind + " cannot be told.");
    else if (matches.steps.empty())
      say("steps", "No step on record matches.");
  }
  if (matches.without_words > 0)
    say("prompt", "The prompts of " + counted(matches.without_words, "step") +
                      " are not on record and could not be searched.");
  std::size_t without_experiment = 0, unknown = 0;
  for (const StepLine* line : matches.steps)
    line->step.experiment ? unknown += !table.find(*line->step.experiment) : ++without_experiment;
  if (without_experiment > 0)
    say("experiment", counted(without_experiment, "matching step") + " served no single experiment.");
  if (unknown > 0)
    say("experiment",
        counted(unknown, "matching step") + " served an experiment that is not in this bundle.");
  std::size_t orphans = 0;
  for (std::uint32_t row = 0; row < table.size(); ++row) orphans += !table.parents_known(row);
  if (orphans > 0)
    say("parents", "No parents are on record for " + with_separators(std::uint64_t{orphans}) + " of " +
                       counted(table.size(), "experiment") + ": these may descend from it all the same.");
  return missing;
}

}  // namespace

Result<Json> audit_from(const ItemSource& items, std::string_view from) {
  const Origin origin = ASSAY_TRY(parse_origin(from));
  const CampaignView view = ASSAY_TRY(read_campaign(items));
  const auto& table = view.table();
  if (origin.kind == "experiment" && !table.find(origin.value))
    ASSAY_TRY(read_experiment(items, origin.value));
  const auto all_steps = ASSAY_TRY(read_steps(items));
  const auto knowledge = ASSAY_TRY(read_knowledge(items));
  const Matches matches = ASSAY_TRY(find_steps(items, all_steps, origin));
  Direct direct = direct_of(table, matches, origin);
  Json steps = Json::array();
  for (const StepLine* line : matches.steps) steps.push(describe_step(items, *line, knowledge));
  return Json::object({{"assay", "audit"},
                       {"version", 1},
                       {"from", Json::object({{"kind", origin.kind}, {"value", as_utf8(origin.value)}})},
                       {"experiments", table.size()},
                       {"steps", std::move(steps)},
                       {"direct", std::move(direct.json)},
                       {"descendants", descendants_json(table, direct.rows)},
                       {"missing", missing_json(items, table, origin, matches)}});
}

}  // namespace assay::verify
