// A run's checkpoints: program a in two of them, and b in the second, separated by NUL bytes.
#include "formats/campaign.hpp"
#include "tests/fuzz/import.hpp"
#include "toolkit/base/text.hpp"

using namespace assay;

namespace {

// What is imported is a campaign that its own readers take.
void require_campaign(const archives::Import& import) {
  for (const archives::ImportedItem& item : import.items) {
    if (!item.text()) continue;
    if (formats::experiment_record_id(item.name))
      fuzz::require(formats::Experiment::parse(*item.text()).ok(), "an experiment that was made is one");
    if (item.name.ends_with("/metrics.csv"))
      fuzz::require(formats::parse_metrics(*item.text(), item.name).ok(), "metrics that were made are some");
    if (item.name == "campaign.json")
      fuzz::require(formats::CampaignHead::parse(*item.text()).ok(), "a campaign's head is one");
    if (item.name == "steps.jsonl")
      for (const std::string_view line : split_lines(*item.text()))
        if (!line.empty()) fuzz::require(formats::Step::parse(line).ok(), "a step that was made is one");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  std::string_view input = fuzz::view(data, size);
  for (const char* name : {"checkpoint_1/programs/a", "checkpoint_2/programs/a", "checkpoint_2/programs/b"}) {
    const auto cut = std::min(input.find('\0'), input.size());
    folder.put(std::string("checkpoints/") + name + ".json", input.substr(0, cut));
    input.remove_prefix(std::min(cut + 1, input.size()));
  }
  const auto importer = archives::find_importer("openevolve");
  if (!importer) std::abort();
  for (const bool keep_going : {false, true}) {
    archives::ImportOptions options;
    options.keep_going = keep_going;
    if (const auto import = (*importer)->run(folder.path(), options)) require_campaign(*import);
  }
  return 0;
}
