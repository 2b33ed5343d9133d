#include "formats/exchange_step.hpp"

#include <algorithm>
#include <ctime>

#include "toolkit/base/bytes.hpp"

namespace assay::formats {

namespace {

// A body as its JSON, or as text; bytes that are neither stay in the journal alone.
Json body_json(const std::string& body) {
  if (auto json = Json::parse(body)) return *std::move(json);
  if (first_invalid_utf8(body) == body.npos) return Json(body);
  return Json::object({{"bytes", static_cast<unsigned long>(body.size())}});
}

std::string time_text(std::int64_t microseconds) {
  const std::time_t seconds = microseconds / 1'000'000;
  std::tm parts{};
  if (!::gmtime_r(&seconds, &parts)) return "";
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

std::string transcript_item(std::uint64_t number) {
  std::string digits = std::to_string(number);
  return "steps/exchange-" + std::string(6 - std::min<std::size_t>(6, digits.size()), '0') + digits + ".json";
}

std::string transcript_of(const Exchange& exchange) {
  Json json = Json::object({{"number", static_cast<unsigned long>(exchange.number)},
                            {"upstream", exchange.upstream},
                            {"method", exchange.method},
                            {"target", exchange.target},
                            {"status", exchange.status},
                            {"request", body_json(exchange.request)},
                            {"answer", answer_text(exchange)},
                            {"response", body_json(exchange.response)},
                            {"request_headers", headers_json(exchange.request_headers)},
                            {"response_headers", headers_json(exchange.response_headers)}});
  if (!exchange.error.empty()) json.set("error", exchange.error);
  return json.dump_pretty();
}

Json step_of(const Exchange& exchange, std::uint64_t order) {
  const bool good = exchange.error.empty() && exchange.status < 400;
  Json step = Json::object({{"id", "exchange/" + std::to_string(exchange.number)},
                            {"order", static_cast<unsigned long>(order)},
                            {"agent", exchange.upstream},
                            {"call", exchange.method + " " + exchange.target},
                            {"time", time_text(exchange.received)},
                            {"status", good                     ? "ok"
                                       : exchange.error.empty() ? "status " + std::to_string(exchange.status)
                                                                : "failed"},
                            {"transcript", transcript_item(exchange.number)}});
  const Json& model = exchange.model;
  if (const Json* name = model.find("answered") ? model.find("answered") : model.find("asked"))
    step.set("model", *name);
  if (model["usage"].is_object()) step.set("usage", model["usage"]);
  return step;
}

}  // namespace assay::formats
