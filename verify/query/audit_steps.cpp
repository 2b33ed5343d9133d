#include "verify/query/audit_steps.hpp"

#include <algorithm>
#include <limits>

#include "toolkit/base/text.hpp"
#include "verify/query/show_experiment.hpp"

namespace assay::verify {

using formats::ItemSource;

std::vector<const StepLine*> steps_of(const std::vector<StepLine>& steps, std::string_view experiment) {
  std::vector<const StepLine*> own;
  for (const StepLine& line : steps)
    if (line.step.experiment == experiment) own.push_back(&line);
  const auto order = [](const StepLine* line) {
    return line->step.order.value_or(std::numeric_limits<std::int64_t>::max());
  };
  std::stable_sort(own.begin(), own.end(), [&](auto a, auto b) { return order(a) < order(b); });
  return own;
}

namespace {

Json knowledge_json(const formats::Step& step, const std::map<std::string, Json>& knowledge) {
  Json out = Json::array();
  for (const std::string& id : step.reads_knowledge) {
    Json entry = Json::object({{"id", as_utf8(id)}});
    const auto found = knowledge.find(id);
    entry.set("on_record", found != knowledge.end());
    if (found != knowledge.end()) {
      if (const Json* source = found->second.find("source")) entry.set("source", *source);
      const std::string_view content = found->second["content"].string_or("");
      entry.set("excerpt", shorten(content, 200)).set("sha256", sha256(content).hex());
    }
    out.push(std::move(entry));
  }
  return out;
}

Json prompt_json(const ItemSource& items, const StepLine& line) {
  Json json = Json::object();
  if (const Json* messages = line.step.raw.find("messages"))
    return json.set("on_record", true)
        .set("where", "steps.jsonl, line " + std::to_string(line.line))
        .set("sha256", sha256(messages->dump()).hex());
  if (!line.step.transcript) return json.set("on_record", false).set("text", "the step names no transcript");
  const Presence presence = presence_of(items, *line.step.transcript);
  json.set("on_record", presence == Presence::present)
      .set("where", as_utf8(*line.step.transcript))
      .set("item", describe_item(items, *line.step.transcript));
  if (presence != Presence::present)
    json.set("text", "its transcript " + as_utf8(*line.step.transcript) + " is " + name_of(presence));
  return json;
}

}  // namespace

Json describe_step(const ItemSource& items, const StepLine& line,
                   const std::map<std::string, Json>& knowledge) {
  Json json = Json::object({{"id", line.step.id}, {"line", line.line}, {"line_sha256", line.digest.hex()}});
  for (const char* key :
       {"experiment", "order", "agent", "call", "attempt", "time", "model", "status", "usage"})
    if (const Json* value = line.step.raw.find(key)) json.set(key, *value);
  Json parents = Json::array();
  for (const std::string& parent : line.step.reads_parents) parents.push(mention_experiment(items, parent));
  json.set("writes", texts_json(line.step.writes)).set("parents", std::move(parents));
  return json.set("knowledge", knowledge_json(line.step, knowledge)).set("prompt", prompt_json(items, line));
}

Result<std::optional<std::string>> words_of(const ItemSource& items, const StepLine& line) {
  std::optional<std::string> words;
  for (const char* key : {"messages", "response"})
    if (const Json* said = line.step.raw.find(key)) words = words.value_or("") + said->dump();
  if (!line.step.transcript) return words;
  const auto transcript = ASSAY_TRY(read_if_present(items, *line.step.transcript));
  if (transcript) words = words.value_or("") + *transcript;
  return words;
}

}  // namespace assay::verify
