// 106.json and tree.json of the published layout: the input is one, or the other beside a sound first one.
#include "tests/fuzz/import.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  std::string_view input = fuzz::view(data, size);
  const bool tree = fuzz::pick(input, 2) == 1;
  folder.put("106.json", tree ? "[]" : input);
  folder.put("tree.json", tree ? input : "{\"total_records\":0,\"results\":[]}");
  fuzz::import_both_ways("asi-arch", folder);
  return 0;
}
