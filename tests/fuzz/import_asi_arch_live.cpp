// A live campaign: mongoexport's records, then after a NUL byte one agent's log.
#include "tests/fuzz/import.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  const std::string_view input = fuzz::view(data, size);
  const auto cut = input.find('\0');
  folder.put("data_elements.json", input.substr(0, cut));
  folder.put("logs/agent_calls/pipeline_1_experiment/call_1_planner.json",
             cut == input.npos ? "" : input.substr(cut + 1));
  fuzz::import_both_ways("asi-arch", folder);
  return 0;
}
