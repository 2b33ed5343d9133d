// links.json, and the words by which exchanges and steps are linked.
#include "formats/links.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

namespace {

void one_form(std::string_view text) {
  const auto links = formats::Links::parse(text);
  if (!links) return;
  const std::string written = links->to_json().dump_pretty();
  const auto again = formats::Links::parse(written);
  fuzz::require(again.ok() && again->to_json().dump_pretty() == written, "links have one form");
  for (const formats::ExchangeLink& link : links->linked) {
    fuzz::require(links->of_exchange(link.exchange) != nullptr, "an exchange that is linked is found");
    fuzz::require(!links->of_step(link.step).empty(), "a step that is linked is found");
  }
}

// A line of steps.jsonl and its transcript; an exchange's request and answer.
void words(std::string_view first, std::string_view second) {
  const auto transcript = Json::parse(second, {.python_numbers = true});
  if (const auto step = formats::Step::parse(first))
    formats::words_of(*step, transcript ? *transcript : Json());
  formats::Exchange exchange;
  exchange.target = "/chat/completions";
  exchange.status = 200;
  exchange.request = first;
  exchange.response = second;
  const formats::CallWords said = formats::words_of(exchange);
  exchange.status = 500;
  const formats::CallWords refused = formats::words_of(exchange);
  fuzz::require(refused.prompt == said.prompt && refused.answer.empty(), "an error is no answer");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::view(data, size);
  one_form(bytes);
  const auto line = std::min(bytes.find('\n'), bytes.size());
  words(bytes.substr(0, line), bytes.substr(std::min(line + 1, bytes.size())));
  return 0;
}
