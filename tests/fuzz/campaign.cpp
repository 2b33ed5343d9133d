// The JSON records of a campaign; the first byte says which.
#include "formats/campaign.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

namespace {

void experiment(std::string_view text) {
  const auto record = formats::Experiment::parse(text);
  if (!record) return;
  const std::string written = record->to_json().dump();
  const auto again = formats::Experiment::parse(written);
  fuzz::require(again.ok() && again->to_json().dump() == written, "an experiment comes back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzz::view(data, size);
  switch (fuzz::pick(text, 5)) {
    case 0:
      experiment(text);
      break;
    case 1:
      static_cast<void>(formats::CampaignHead::parse(text).ok());
      break;
    case 2:
      static_cast<void>(formats::Step::parse(text).ok());
      break;
    case 3:
      static_cast<void>(formats::parse_claims(text).ok());
      break;
    default:
      static_cast<void>(formats::parse_baselines(text).ok());
  }
  return 0;
}
