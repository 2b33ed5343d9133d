#include "formats/exchange.hpp"

#include <algorithm>
#include <cstring>

#include "formats/fields.hpp"
#include "toolkit/base/text.hpp"

namespace assay::formats {

namespace {

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

constexpr std::size_t kLong = 4096;

std::size_t last_of(std::string_view text, char c) {
  const void* found = ::memrchr(text.data(), c, text.size());
  return found ? static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) : text.npos;
}

// Between two strings of JSON a list without lists and objects in it holds numbers.
void add_without_long_lists(std::string_view between, std::string& out) {
  while (between.size() > kLong) {
    const auto close = between.find(']');
    if (close == between.npos) break;
    const std::string_view before = between.substr(0, close);
    const auto open = last_of(before, '[');
    const bool innermost = open != before.npos && last_of(before.substr(open), '{') == before.npos;
    out += innermost && close - open > kLong ? before.substr(0, open + 1) : before;
    out += ']';
    between.remove_prefix(close + 1);
  }
  out += between;
}

/// JSON text with its long strings and lists of numbers emptied: images, documents and embeddings say nothing
/// of the model, and cost a second to parse.
std::string without_long_values(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto open = std::min(text.find('"', at), text.size());
    add_without_long_lists(text.substr(at, open - at), out);
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

Json exchange_fields(const Exchange& exchange) {
  Json fields = Json::object({{"number", static_cast<unsigned long>(exchange.number)},
                              {"arrived", static_cast<unsigned long>(exchange.arrived)},
                              {"upstream", exchange.upstream},
                              {"method", exchange.method},
                              {"target", exchange.target},
                              {"digest", exchange.digest().hex()},
                              {"request_headers", headers_json(exchange.request_headers)},
                              {"response_headers", headers_json(exchange.response_headers)},
                              {"status", exchange.status},
                              {"attempts", static_cast<unsigned long>(exchange.attempts)},
                              {"received", static_cast<long>(exchange.received)},
                              {"first_byte", static_cast<long>(exchange.first_byte)},
                              {"done", static_cast<long>(exchange.done)}});
  if (exchange.streamed) {
    Json sizes = Json::array();
    for (const std::uint64_t size : exchange.chunks) sizes.push(Json(static_cast<unsigned long>(size)));
    fields.set("chunks", std::move(sizes));
  }
  if (!exchange.error.empty()) fields.set("error", exchange.error);
  if (!exchange.clock.empty()) fields.set("clock", exchange.clock);
  if (exchange.copied) fields.set("copied", static_cast<unsigned long>(exchange.copied));
  if (exchange.keys) fields.set("keys", static_cast<unsigned long>(exchange.keys));
  if (!exchange.model.is_null()) fields.set("model", exchange.model);
  return fields;
}

}  // namespace

Json headers_json(const HttpHeaders& headers) {
  Json list = Json::array();
  for (const auto& [name, value] : headers) list.push(Json(Json::Array{Json(name), Json(value)}));
  return list;
}

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

JournalRecord Exchange::record() const& {
  return {"exchange",
          exchange_fields(*this),
          {{"request", request, request_hash}, {"response", response, response_hash}}};
}

JournalRecord Exchange::record() && {
  JournalRecord record{"exchange", exchange_fields(*this), {}};
  record.parts.push_back({"request", std::move(request), request_hash});
  record.parts.push_back({"response", std::move(response), response_hash});
  return record;
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
  exchange.keys = natural_or(fields, "keys", 0);
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
  Json model = describe_request(exchange.request);
  describe_response(exchange.response, model);
  return model;
}

Json describe_request(std::string_view request) {
  Json model;
  const auto asked = Json::parse(without_long_values(request), {.python_numbers = true});
  if (!asked || !asked->is_object()) return model;
  if ((*asked)["model"].is_string()) model.set("asked", (*asked)["model"]);
  Json sampling;
  for (const std::string_view name : kSampling)
    if (const Json* value = asked->find(name); value && !value->is_null()) sampling.set(name, *value);
  if (sampling.size()) model.set("sampling", std::move(sampling));
  return model;
}

void describe_response(std::string_view response, Json& model) {
  for (const Json& answer : answers_of(without_long_values(response))) take_answer(answer, model);
}

std::string answer_text(const Exchange& exchange) {
  std::string text;
  for (const Json& answer : answers_of(exchange.response)) add_answer(answer, text);
  return text;
}

}  // namespace assay::formats
