#include "formats/manifest.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::view(data, size));
  const auto manifest = formats::Manifest::parse(text);
  if (!manifest) return 0;
  std::string again;
  for (std::size_t i = 0; i < manifest->size(); ++i) {
    const formats::ManifestEntry entry = manifest->entry(i);
    again += formats::manifest_line(entry) + "\n";
    fuzz::require(manifest->find(entry.name) == i, "every name is found");
    fuzz::require(entry.size == manifest->size_of(i), "sizes agree");
  }
  fuzz::require(again == text, "a manifest has one text");
  fuzz::require(manifest->leaf_hashes().size() == manifest->size(), "a leaf a line");
  manifest->root();
  return 0;
}
