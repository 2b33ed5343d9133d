// What a search of assay's own reads: its recipe, the fields of its journal's records, a fitness formula.
#include "formats/search_run.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "toolkit/rules/formula.hpp"

using namespace assay;

namespace {

// A record that is read is written as it was read.
template <typename Record>
void round_trip(const Json& fields, const std::string& body, const char* part) {
  const auto one = Record::parse({"", fields, {{part, body}, {"response", body}}});
  if (!one) return;
  const auto again = Record::parse(one->record());
  fuzz::require(again.ok() && again->record().fields == one->record().fields, "a record has one form");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::view(data, size);
  if (const auto recipe = formats::SearchRecipe::parse(bytes)) {
    const std::string text = recipe->canonical();
    const auto again = formats::SearchRecipe::parse(text);
    fuzz::require(again && again->canonical() == text, "a search's recipe has one canonical text");
  }
  if (const auto formula = rules::Formula::parse(bytes)) {
    std::map<std::string, double> values;
    for (const std::string& name : formula->names()) values.emplace(name, 0.5);
    fuzz::require(formula->value(values).ok(), "a formula whose names have values has a value");
  }
  const auto line = bytes.find('\n');
  const auto fields = Json::parse(bytes.substr(0, line));
  if (!fields || !fields->is_object()) return 0;
  const std::string body(line == bytes.npos ? "" : bytes.substr(line + 1));
  round_trip<formats::Proposal>(*fields, body, "program");
  round_trip<formats::Outcome>(*fields, body, "program");
  round_trip<formats::ModelAnswer>(*fields, body, "request");
  return 0;
}
