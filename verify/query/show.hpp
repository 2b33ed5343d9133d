// `assay show`: any stage of a bundle, or one experiment, or one item's content.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bundle.hpp"
#include "toolkit/base/json.hpp"

namespace assay::verify {

/// What there is to show. `statement` and `envelope` may be null (a folder, a test).
struct ShowSource {
  const formats::ItemSource& items;
  const formats::Statement* statement = nullptr;
  const formats::Envelope* envelope = nullptr;
};

/// The stages, for help and completion: "campaign", "experiments", "manifest", "statement", "claims",
/// "baselines", "completeness", "environment", "redactions", "steps", "knowledge".
const std::vector<std::string>& show_stages();

/// `what`: empty (same as "campaign"), a stage, or an experiment id ("experiments/ID" where an id is named as
/// a stage is).
/// {"assay": "show", "version": 1, "what": STAGE or "experiment", ...}; docs/formats/show.schema.json.
Result<Json> show(const ShowSource& source, std::string_view what);
std::string show_text(const Json& document);

/// The item that `show FILE WHAT ROLE` means: a role of the experiment WHAT (program, log ...), a file in its
/// folder (metrics.csv), or, where `role` is empty, the item named WHAT. Reads at most that experiment's
/// record. Fault::missing lists the roles there are.
Result<std::size_t> find_content(const formats::ItemSource& items, std::string_view what,
                                 std::string_view role);

}  // namespace assay::verify
