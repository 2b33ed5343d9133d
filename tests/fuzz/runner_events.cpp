#include "replay/engine/events.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

// However the bytes are cut, the same events come out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::view(data, size);
  unsigned whole = 0, cut = 0;
  replay::EventReader one, two;
  const auto counted = [](unsigned& count) {
    return [&count](const replay::Event&) -> Result<bool> { return ++count < 100; };
  };
  const auto a = one.take(bytes, counted(whole));
  Result<bool> b = true;
  for (std::size_t i = 0; i < bytes.size() && b && *b; ++i) b = two.take(bytes.substr(i, 1), counted(cut));
  fuzz::require(whole == cut, "cut otherwise, another number of events");
  fuzz::require(a.ok() == b.ok(), "cut otherwise, another end");
  return 0;
}
