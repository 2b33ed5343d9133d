// The texts of a git archive: commits, tags, trees, Git LFS pointers, trailers.
#include "archives/git/layout.hpp"
#include "archives/git/lfs.hpp"
#include "archives/git/object_text.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;
using namespace assay::archives;

namespace {

// What is signed of an object is the object without its signature, whatever stands in it.
template <typename Text>
void signed_text(std::string_view input) {
  const auto read = Text::parse(input);
  if (!read) return;
  fuzz::require(read->encode() == input, "an object has one text");
  Text plain = *read;
  plain.signature.clear();
  fuzz::require(plain.encode() == read->payload(), "the payload is the object without its signature");
}

void tree(std::string_view input) {
  const auto entries = git::parse_tree(input);
  if (entries) fuzz::require(git::encode_tree(*entries) == input, "a tree has one text");
}

void pointer(std::string_view input) {
  const auto read = git::LfsPointer::parse(input);
  if (read) fuzz::require(read->encode() == input, "a pointer has one text");
}

void trailers(std::string_view input) {
  const auto read = git::Trailers::parse(input);
  if (!read) return;
  fuzz::require(input.ends_with(read->text()), "trailers are the end of the message");
  fuzz::require(git::campaign_of_bundle(read->bundle).has_value(), "they name a bundle");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::view(data, size);
  static constexpr void (*kReaders[])(std::string_view) = {
      signed_text<git::CommitText>, signed_text<git::TagText>, tree, pointer, trailers};
  kReaders[fuzz::pick(input, std::size(kReaders))](input);
  return 0;
}
