#include "formats/links.hpp"

#include "formats/fields.hpp"
#include "toolkit/base/text.hpp"

namespace assay::formats {

namespace {

constexpr std::string_view kBy[] = {"prompt and answer", "prompt", "answer"};

// A text, or the texts of content blocks.
std::string content_text(const Json& content) {
  if (const std::string* text = content.string()) return *text;
  std::string all;
  for (const Json& block : content.items()) all += block["text"].string_or("");
  return all;
}

void add_message(const Json& content, std::string& prompt) {
  const std::string text = content_text(content);
  if (!text.empty()) prompt.append(trim(text)).append("\n");
}

void add_messages(const Json& messages, std::string& prompt) {
  for (const Json& message : messages.items()) add_message(message["content"], prompt);
}

std::string stripped_answer(const Json& response) {
  return std::string(trim(response.is_object() ? content_text(response["content"]) : content_text(response)));
}

// OpenEvolve: {TEMPLATE: {system, user, responses}}. The step's call names the template where there are
// several.
CallWords words_of_prompts(const Step& step, const Json& prompts) {
  CallWords words;
  const Json* chosen = step.call ? prompts.find(*step.call) : nullptr;
  if (!chosen && prompts.size() > 0) chosen = &prompts.members().front().value;
  if (!chosen) return words;
  add_message((*chosen)["system"], words.prompt);
  add_message((*chosen)["user"], words.prompt);
  const Json& responses = (*chosen)["responses"];
  if (responses.size() > 0) words.answer = stripped_answer(responses.items().back());
  return words;
}

Result<ExchangeLink> link_of(const Json& json) {
  ExchangeLink link;
  Fields fields(json, "linked: ");
  fields.require("exchange").require("step").require("by").text("step", link.step).text("by", link.by);
  ASSAY_TRY(fields.status());
  const auto exchange = json["exchange"].natural();
  bool known = false;
  for (const std::string_view by : kBy) known = known || by == link.by;
  if (!exchange || *exchange == 0 || !known)
    return Error{Fault::malformed, "linked: expected an exchange's number and what it was linked by", "", ""};
  link.exchange = *exchange;
  link.among = json["among"].natural().value_or(1);
  return link;
}

}  // namespace

CallWords words_of(const Exchange& exchange) {
  CallWords words;
  const auto request = Json::parse(exchange.request, {.python_numbers = true});
  if (request && request->is_object()) {
    add_message((*request)["system"], words.prompt);
    add_message((*request)["instructions"], words.prompt);
    add_messages((*request)["messages"], words.prompt);
    add_message((*request)["prompt"], words.prompt);
    // An embeddings call has an input too, and no agent's words.
    if (exchange.target.find("embeddings") == std::string::npos) {
      if ((*request)["input"].is_string()) add_message((*request)["input"], words.prompt);
      add_messages((*request)["input"], words.prompt);
    }
  }
  if (exchange.error.empty() && exchange.status < 400) words.answer = trim(answer_text(exchange));
  return words;
}

CallWords words_of(const Step& step, const Json& transcript) {
  for (const Json* json : {&step.raw, &transcript}) {
    CallWords words;
    add_messages((*json)["messages"], words.prompt);
    words.answer = stripped_answer((*json)["response"]);
    if (words.any()) return words;
  }
  return words_of_prompts(step, transcript["prompts"]);
}

Result<Links> Links::parse(std::string_view text) {
  const Json json = ASSAY_TRY(parse_object(text));
  if (json["assay"].string_or("") != "links" || json["version"].integer() != 1)
    return Error{Fault::malformed, "expected \"assay\": \"links\", \"version\": 1", "", ""};
  Links links;
  Fields fields(json);
  fields.require("system").require("tree").text("system", links.system).text("tree", links.tree);
  ASSAY_TRY(fields.status());
  for (const Json& one : json["linked"].items()) links.linked.push_back(ASSAY_TRY(link_of(one)));
  for (const Json& one : json["unlinked"]["exchanges"].items())
    links.unlinked_exchanges.push_back(
        {one["exchange"].natural().value_or(0), std::string(one["why"].string_or(""))});
  for (const Json& one : json["unlinked"]["steps"].items())
    links.unlinked_steps.push_back(
        {std::string(one["step"].string_or("")), std::string(one["why"].string_or(""))});
  return links;
}

Json Links::to_json() const {
  const auto number = [](std::uint64_t value) { return Json(static_cast<unsigned long>(value)); };
  Json list = Json::array(), exchanges = Json::array(), steps = Json::array();
  for (const ExchangeLink& link : linked) {
    Json one = Json::object({{"exchange", number(link.exchange)}, {"step", link.step}, {"by", link.by}});
    if (link.among > 1) one.set("among", number(link.among));
    list.push(std::move(one));
  }
  for (const Exchange& one : unlinked_exchanges)
    exchanges.push(Json::object({{"exchange", number(one.exchange)}, {"why", one.why}}));
  for (const Step& one : unlinked_steps) steps.push(Json::object({{"step", one.step}, {"why", one.why}}));
  return Json::object(
      {{"assay", "links"},
       {"version", 1},
       {"system", system},
       {"tree", tree},
       {"linked", std::move(list)},
       {"unlinked", Json::object({{"exchanges", std::move(exchanges)}, {"steps", std::move(steps)}})}});
}

const ExchangeLink* Links::of_exchange(std::uint64_t number) const {
  for (const ExchangeLink& link : linked)
    if (link.exchange == number) return &link;
  return nullptr;
}

std::vector<const ExchangeLink*> Links::of_step(std::string_view id) const {
  std::vector<const ExchangeLink*> found;
  for (const ExchangeLink& link : linked)
    if (link.step == id) found.push_back(&link);
  return found;
}

}  // namespace assay::formats
