#include "replay/search/http.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

namespace {

struct Seen {
  bool ok = true, done = false;
  std::string body;
};

Seen read(search::HttpReader::Kind kind, std::string_view bytes, std::size_t piece) {
  search::HttpReader reader(kind, {4096, 16384});
  Seen seen;
  for (std::size_t at = 0; seen.ok && at < bytes.size() && !reader.done(); at += piece) {
    seen.ok = reader.feed(bytes.substr(at, piece)).ok();
    seen.body += reader.take_body();
    reader.take_chunks();
  }
  fuzz::require(seen.body.size() <= 16384, "no more body than the limit");
  seen.done = reader.done();
  if (seen.ok && !seen.done) static_cast<void>(reader.close().ok());
  return seen;
}

}  // namespace

// The first byte chooses the kind and the size of the pieces: what a message is must not depend on how it was
// cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto kind = static_cast<search::HttpReader::Kind>(data[0] % 3);
  const std::string_view bytes = fuzz::view(data + 1, size - 1);
  const Seen whole = read(kind, bytes, bytes.size() + 1), cut = read(kind, bytes, 1 + data[0] / 3);
  if (whole.ok && cut.ok && whole.done && cut.done)
    fuzz::require(whole.body == cut.body, "one message, however it is cut");
  return 0;
}
