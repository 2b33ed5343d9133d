#include "archives/secrets.hpp"

#include "archives/secrets_scan.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

namespace {

std::string hits_on(archives::secrets::Path path, std::string_view text) {
  std::string out;
  archives::secrets::find_literals(text, path, [&](const archives::secrets::Hit& hit) {
    out += std::to_string(hit.at) + " " + std::string(hit.literal->text) + "\n";
  });
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using archives::secrets::Path;
  const std::string_view text = fuzz::view(data, size);
  std::uint64_t end = 0;
  const auto secrets = archives::find_secrets(text);
  for (const archives::Secret& secret : secrets) {
    fuzz::require(secret.offset >= end && secret.length > 0, "secrets stand in order and do not overlap");
    end = secret.offset + secret.length;
    fuzz::require(end <= text.size(), "secrets lie in the text");
  }
  archives::redact(text, secrets);
  const Path best = archives::secrets::best_path();
  const std::string expected = hits_on(Path::portable, text);
  fuzz::require(hits_on(best, text) == expected, "the best path finds what the portable one does");
  if (best == Path::avx2) fuzz::require(hits_on(Path::ssse3, text) == expected, "so does the other one");
  return 0;
}
