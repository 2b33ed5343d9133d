#include "formats/journal.hpp"

#include "formats/exchange.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

// Links are checked before anything is parsed, so the records' own parser is reached by an input whose chain
// was mended.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::view(data, size);
  if (auto reader = formats::JournalReader::over(bytes)) {
    for (;;) {
      const auto next = reader->next();
      if (!next || !*next) break;
      fuzz::require(reader->whole() + reader->torn() == bytes.size(), "every byte is whole or torn");
    }
  }
  const auto line = bytes.find('\n');
  if (line == bytes.npos) return 0;
  const auto fields = Json::parse(bytes.substr(0, line));
  if (!fields || !fields->is_object()) return 0;
  const std::string body(bytes.substr(line + 1)), half = body.substr(0, body.size() / 2);
  const auto exchange =
      formats::Exchange::parse({"exchange", *fields, {{"request", half}, {"response", body}}});
  if (!exchange) return 0;
  formats::describe_exchange(*exchange);
  formats::answer_text(*exchange);
  const auto again = formats::Exchange::parse(exchange->record());
  fuzz::require(again.ok() && again->record().fields == exchange->record().fields,
                "an exchange has one record");
  return 0;
}
