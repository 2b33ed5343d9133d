// Configuration files of other programs, as the decisions of a search read them.
#include "toolkit/base/yaml.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = parse_yaml(fuzz::view(data, size));
  if (json)
    fuzz::require(Json::parse(json->dump(), {.max_depth = 1000}).ok(), "what was read can be written");
  return 0;
}
