// `assay diff`: two experiments, or two bundles.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "formats/bundle.hpp"
#include "toolkit/base/json.hpp"

namespace assay::verify {

struct ExperimentAt {
  const formats::ItemSource& items;
  std::string id;
};

/// The parent that `diff FILE ID` compares with: the first that the record names. Fault::missing where it
/// names none, or one that is not in the bundle.
Result<std::string> parent_to_compare(const formats::ItemSource& items, std::string_view id);

/// From `a` (the parent, the older) to `b`.
/// {"assay": "diff", "version": 1, "what": "experiments", "a", "b", "fields", "metrics", "program", "files"}.
/// Schema: docs/formats/diff.schema.json.
Result<Json> diff_experiments(const ExperimentAt& a, const ExperimentAt& b);

struct BundleSide {
  const formats::ItemSource& items;
  const formats::Statement* statement = nullptr;  ///< null: no statement to compare
  std::string name;                               ///< the file's, for the text
};
/// At most `listed` items of each kind are listed; the counts are of all.
/// {"assay": "diff", "version": 1, "what": "bundles", "a", "b", "items", "statement", "metrics"}.
Result<Json> diff_bundles(const BundleSide& a, const BundleSide& b, std::size_t listed = 1000);

std::string diff_text(const Json& document);  ///< of either

}  // namespace assay::verify
