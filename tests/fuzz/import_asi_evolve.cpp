// A run's tree: nodes.json, a step's results.json, one logged call and the log, separated by NUL bytes.
#include "tests/fuzz/import.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  static const bool code = (folder.put("steps/step_1/code", "def f():\n  return 1\n"), true);
  std::string_view input = fuzz::view(data, code ? size : 0);
  for (const char* name : {"database_data/nodes.json", "steps/step_1/results.json",
                           "steps/step_1/llm_logs/llm_call_001_researcher_full_20260101_000000_001.json",
                           "logs/evolve.log", "cognition_data/cognition.json"}) {
    const auto cut = std::min(input.find('\0'), input.size());
    folder.put(name, input.substr(0, cut));
    input.remove_prefix(std::min(cut + 1, input.size()));
  }
  fuzz::import_both_ways("asi-evolve", folder);
  return 0;
}
