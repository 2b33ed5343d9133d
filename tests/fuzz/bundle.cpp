// Whole bundles, from a descriptor of anonymous memory. The input is read as it is, and once more after it
// was sealed again by a signer of its own: damage then lies behind valid digests and a valid signature, as a
// hostile author would place it.
#include "formats/bundle.hpp"

#include <optional>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/bundle_writer.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/open_key.hpp"

using namespace assay;
using namespace assay::formats;

namespace {

void read_all(std::string_view bytes) {
  const int fd = ::memfd_create("bundle", MFD_CLOEXEC);
  if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  const auto bundle = Bundle::open(Fd(fd), "input");
  if (!bundle) return;
  const auto seen = [](std::size_t, std::string_view, bool) { return Status(); };
  static_cast<void>(bundle->walk(seen, [](const Bundle::Damage&) {}).ok());
  for (std::size_t i = 0; i < bundle->manifest().size() && i < 64; ++i) {
    char part[16];
    static_cast<void>(bundle->read(i, 1 << 24).ok());
    static_cast<void>(bundle->read_range(i, 3, part, sizeof part).ok());
  }
  bundle->expected_datasets();
}

// The input with the digests and the signature that its content wants.
std::optional<std::string> sealed_again(std::string_view bytes) {
  const auto header = Header::decode(bytes.substr(0, 4096));
  if (!header || header->extents > header->signatures || header->signatures > bytes.size()) return {};
  const std::string_view text = bytes.substr(header->extents, header->signatures - header->extents);
  auto extents = decode_extents(text, header->extents);
  const auto line = bytes.substr(header->signatures);
  const auto envelope = Envelope::decode(line.substr(0, line.find('\n')));
  if (!extents || !envelope) return {};
  auto statement = Statement::decode(envelope->payload);
  if (!statement) return {};
  for (Extent& extent : *extents) extent.digest = sha256(bytes.substr(extent.offset, extent.length));
  const std::string again = encode_extents(*extents);
  statement->extents_offset = header->extents;
  statement->extents_size = again.size();
  statement->extents_digest = sha256(again);
  const auto sealed = sign_statement(statement->encode(), {&fuzz::open_key()});
  if (!sealed) return {};
  return std::string(bytes.substr(0, header->extents)) + again + sealed->encode() + "\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::view(data, size);
  read_all(input);
  if (const auto again = sealed_again(input)) read_all(*again);
  return 0;
}
