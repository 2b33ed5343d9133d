#include "formats/trace.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::view(data, size);
  const auto trace = formats::Trace::parse(text);
  if (trace) fuzz::require(trace->text() == text, "a trace has one text");
  const auto unfinished = formats::Trace::parse_unfinished(text);
  fuzz::require(!trace || unfinished, "what is whole is more than what is not");
  if (unfinished) fuzz::require(text.starts_with(unfinished->text()), "what is kept is a beginning");
  return 0;
}
