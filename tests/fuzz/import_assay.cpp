// The plain layout: campaign.json, an experiment's record, its metrics and steps.jsonl, separated by NUL
// bytes.
#include "tests/fuzz/import.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  std::string_view input = fuzz::view(data, size);
  for (const char* name :
       {"campaign.json", "experiments/1/experiment.json", "experiments/1/metrics.csv", "steps.jsonl"}) {
    const auto cut = std::min(input.find('\0'), input.size());
    folder.put(name, input.substr(0, cut));
    input.remove_prefix(std::min(cut + 1, input.size()));
  }
  fuzz::import_both_ways("assay", folder);
  return 0;
}
