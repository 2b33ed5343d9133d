#include "formats/exchange.hpp"

#include <algorithm>
#include <numeric>

#include "formats/fields.hpp"
#include "toolkit/base/text.hpp"

namespace assay::formats {

namespace {

Json headers_json(const HttpHeaders& headers) {
  Json list = Json::array();
  for (const auto& [name, value] : headers) list.push(Json(Json::Array{Json(name), Json(value)}));
  return list;
}

Result<HttpHeaders> headers_of(const Json& fields, std::string_view key) {
  HttpHeaders headers;
  for (const Json& pair : fields[key].items()) {
    if (pair.size() != 2 || !pair.items()[0].is_string() || !pair.items()[1].is_string())
      return Error{Fault::damaged,
                   "\"" + std::string(key) + "\" must hold pairs of texts, found " + describe(pair), "", ""};
    headers.emplace_back(pair.items()[0].string_or(""), pair.items()[1].string_or(""));
  }
  return headers;
}

Error not_an_exchange(const std::string& why) { return {Fault::damaged, "not an exchange: " + why, "", ""}; }

std::uint64_t natural_or(const Json& fields, std::string_view key, std::uint64_t otherwise) {
  return fields[key].natural().value_or(otherwise);
}

Status check_chunks(const Exchange& exchange) {
  std::uint64_t left = exchange.response.size();
  for (const std::uint64_t size : exchange.chunks) {
    if (size > left) return not_an_exchange("its chunks are longer than its answer");
    left -= size;
  }
  if (left && exchange.streamed) return not_an_exchange("its chunks are shorter than its answer");
  return {};
}

// ---- what bodies say

/// JSON text with its long strings emptied: images and documents say nothing of the model, and cost a second
/// to parse.
std::string without_long_strings(std::string_view text) {
  constexpr std::size_t kLong = 4096;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto open = std::min(text.find('"', at), text.size());
    out += text.substr(at, open - at);
    if (open == text.size()) break;
    auto close = open + 1;
    while ((close = text.find('"', close)) != text.npos) {
      std::size_t slashes = 0;
      while (text[close - 1 - slashes] == '\\') ++slashes;
      if (slashes % 2 == 0) break;
      ++close;
    }
    close = close == text.npos ? text.size() : close + 1;
    out += close - open > kLong ? std::string_view("\"\"") : text.substr(open, close - open);
    at = close;
  }
  return out;
}

/// The events of a streamed answer (server-sent events): the JSON of each "data:" line.
std::vector<Json> events_of(std::string_view body) {
  std::vector<Json> events;
  for (const std::string_view line : split_lines(body)) {
    if (!line.starts_with("data:")) continue;
    auto json = Json::parse(trim(line.substr(5)), {.python_numbers = true});
    if (json && json->is_object()) events.push_back(*std::move(json));
  }
  return events;
}

std::vector<Json> answers_of(const std::string& response) {
  if (auto json = Json::parse(response, {.python_numbers = true}); json && json->is_object())
    return {*std::move(json)};
  return events_of(response);
}

constexpr std::string_view kSampling[] = {"temperature",
                                          "top_p",
                                          "top_k",
                                          "seed",
                                          "max_tokens",
                                          "max_completion_tokens",
                                          "max_output_tokens",
                                          "stop",
                                          "stop_sequences",
                                          "n",
                                          "presence_penalty",
                                          "frequency_penalty",
                                          "logit_bias",
                                          "reasoning_effort",
                                          "dimensions"};

// The newest of its kind wins: a streamed answer repeats its model and counts its tokens last.
void take_answer(const Json& answer, Json& into) {
  // Anthropic's and the responses API's events wrap the message.
  for (const char* inside : {"message", "response"})
    if (answer[inside].is_object()) take_answer(answer[inside], into);
  if (answer["model"].is_string()) into.set("answered", answer["model"]);
  if (answer["system_fingerprint"].is_string()) into.set("fingerprint", answer["system_fingerprint"]);
  if (!answer["usage"].is_object()) return;
  Json usage = into["usage"];
  for (const Json::Member& member : answer["usage"].members())
    if (member.value.is_integer()) usage.set(member.key, member.value);
  if (usage.size()) into.set("usage", std::move(usage));
}

void add_text(const Json& value, std::string& out) {
  if (const std::string* text = value.string()) out += *text;
  for (const Json& block : value.items()) add_text(block["text"], out);  // content blocks
}

void add_answer(const Json& answer, std::string& out) {
  for (const Json& choice : answer["choices"].items()) {
    add_text(choice["message"]["content"], out);
    add_text(choice["delta"]["content"], out);
    add_text(choice["text"], out);
  }
  add_text(answer["content"], out);  // Anthropic
  if (answer["delta"].is_object()) add_text(answer["delta"]["text"], out);
  if (answer["type"].string_or("") == "response.output_text.delta") add_text(answer["delta"], out);
  for (const Json& item : answer["output"].items()) add_text(item["content"], out);  // responses API
}

}  // namespace

const std::string* find_header(const HttpHeaders& headers, std::string_view name) {
  const std::string wanted = ascii_lower(name);
  for (const auto& [key, value] : headers)
    if (ascii_lower(key) == wanted) return &value;
  return nullptr;
}

Digest Exchange::digest() const {
  const Digest body = request_hash ? *request_hash : sha256(request);
  return sha256(method + " " + upstream + " " + target + "\n", body.view());
}

JournalRecord Exchange::record() const {
  Json fields = Json::object({{"number", static_cast<unsigned long>(number)},
                              {"arrived", static_cast<unsigned long>(arrived)},
                              {"upstream", upstream},
                              {"method", method},
                              {"target", target},
                              {"digest", digest().hex()},
                              {"request_headers", headers_json(request_headers)},
                              {"response_headers", headers_json(response_headers)},
                              {"status", status},
                              {"attempts", static_cast<unsigned long>(attempts)},
                              {"received", static_cast<long>(received)},
                              {"first_byte", static_cast<long>(first_byte)},
                              {"done", static_cast<long>(done)}});
  if (streamed) {
    Json sizes = Json::array();
    for (const std::uint64_t size : chunks) sizes.push(Json(static_cast<unsigned long>(size)));
    fields.set("chunks", std::move(sizes));
  }
  if (!error.empty()) fields.set("error", error);
  if (!clock.empty()) fields.set("clock", clock);
  if (copied) fields.set("copied", static_cast<unsigned long>(copied));
  if (!model.is_null()) fields.set("model", model);
  return {"exchange",
          std::move(fields),
          {{"request", request, request_hash}, {"response", response, response_hash}}};
}

Result<Exchange> Exchange::parse(const JournalRecord& record) {
  const Json& fields = record.fields;
  Exchange exchange;
  Fields reader(fields);
  reader.require("number").require("status").require("digest");
  reader.text("upstream", exchange.upstream).text("method", exchange.method).text("target", exchange.target);
  reader.text("error", exchange.error).text("clock", exchange.clock);
  if (!reader.ok()) return not_an_exchange(reader.status().error().what);
  exchange.number = natural_or(fields, "number", 0);
  exchange.arrived = natural_or(fields, "arrived", 0);
  exchange.attempts = natural_or(fields, "attempts", 1);
  exchange.copied = natural_or(fields, "copied", 0);
  const auto status = fields["status"].natural();
  if (exchange.number == 0 || !status || *status > 999)
    return not_an_exchange("its number or status is none");
  exchange.status = static_cast<int>(*status);
  exchange.received = fields["received"].integer().value_or(0);
  exchange.first_byte = fields["first_byte"].integer().value_or(0);
  exchange.done = fields["done"].integer().value_or(0);
  exchange.model = fields["model"];
  exchange.request_headers = ASSAY_TRY(headers_of(fields, "request_headers"));
  exchange.response_headers = ASSAY_TRY(headers_of(fields, "response_headers"));
  const std::string *request = record.part("request"), *response = record.part("response");
  if (!request || !response) return not_an_exchange("it has no request or no response");
  exchange.request = *request;
  exchange.response = *response;
  exchange.streamed = fields.find("chunks") != nullptr;
  for (const Json& size : fields["chunks"].items()) exchange.chunks.push_back(size.natural().value_or(~0ull));
  ASSAY_TRY(check_chunks(exchange));
  if (fields["digest"].string_or("") != exchange.digest().hex())
    return not_an_exchange("its request gives the digest " + exchange.digest().hex() + ", found " +
                           describe(fields["digest"]));
  return exchange;
}

Json describe_exchange(const Exchange& exchange) {
  Json model;
  if (auto request = Json::parse(without_long_strings(exchange.request), {.python_numbers = true});
      request && request->is_object()) {
    if ((*request)["model"].is_string()) model.set("asked", (*request)["model"]);
    Json sampling;
    for (const std::string_view name : kSampling)
      if (const Json* value = request->find(name); value && !value->is_null()) sampling.set(name, *value);
    if (sampling.size()) model.set("sampling", std::move(sampling));
  }
  for (const Json& answer : answers_of(without_long_strings(exchange.response))) take_answer(answer, model);
  return model;
}

std::string answer_text(const Exchange& exchange) {
  std::string text;
  for (const Json& answer : answers_of(exchange.response)) add_answer(answer, text);
  return text;
}

}  // namespace assay::formats
