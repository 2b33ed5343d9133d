#include <cmath>

#include "formats/campaign.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto values = formats::parse_metrics(fuzz::view(data, size), "input");
  if (!values) return 0;
  const auto again = formats::parse_metrics(formats::write_metrics(*values), "output");
  fuzz::require(again.ok() && again->size() == values->size(), "what was written reads");
  for (std::size_t i = 0; i < values->size(); ++i) {
    const formats::MetricValue &a = (*values)[i], &b = (*again)[i];
    const bool same = a.value == b.value || (std::isnan(a.value) && std::isnan(b.value));
    fuzz::require(same && a.metric == b.metric && a.step == b.step && a.text == b.text, "values come back");
  }
  return 0;
}
