// A design's way through the exchanges of its search: which requests and answers made it, and which steps
// were shown it later.
#include <algorithm>
#include <set>

#include "verify/query/audit_steps.hpp"
#include "verify/query/show_experiment.hpp"

namespace assay::verify {

Result<std::optional<formats::Links>> read_exchange_links(const formats::ItemSource& items) {
  const auto text = ASSAY_TRY(read_if_present(items, "links.json"));
  if (!text) return std::optional<formats::Links>();
  auto links = formats::Links::parse(*text);
  if (!links) return std::move(links.error()).in("links.json");
  return std::optional(*std::move(links));
}

Json exchanges_json(const formats::ItemSource& items, const formats::Links& links, std::string_view step) {
  Json out = Json::array();
  for (const formats::ExchangeLink* link : links.of_step(step)) {
    Json one = Json::object({{"exchange", static_cast<unsigned long>(link->exchange)}, {"by", link->by}});
    if (link->among > 1) one.set("among", static_cast<unsigned long>(link->among));
    std::string digits = std::to_string(link->exchange);
    digits.insert(0, 6 - std::min<std::size_t>(6, digits.size()), '0');
    const std::string transcript = "steps/exchange-" + digits + ".json";
    if (presence_of(items, transcript) != Presence::absent) one.set("transcript", transcript);
    out.push(std::move(one));
  }
  return out;
}

Json selected_json(const formats::ItemSource& items, const std::vector<StepLine>& steps,
                   std::string_view experiment) {
  Json out = Json::array();
  std::set<std::string> seen;
  for (const StepLine& line : steps) {
    const auto& read = line.step.reads_parents;
    if (!line.step.experiment || std::find(read.begin(), read.end(), experiment) == read.end()) continue;
    if (seen.insert(*line.step.experiment).second)
      out.push(mention_experiment(items, *line.step.experiment).set("step", line.step.id));
  }
  return out;
}

}  // namespace assay::verify
