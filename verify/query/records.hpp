// The campaign's records, read item by item: for questions that touch a few of them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bundle.hpp"
#include "formats/campaign.hpp"
#include "verify/campaign_view.hpp"

namespace assay::verify {

/// Whether an item's content can be read: in the bundle, withheld by its author, left out by `export
/// --without`, or not in the manifest at all.
enum class Presence { present, withheld, left_out, absent };
const char* name_of(Presence presence);
Presence presence_of(const formats::ItemSource& items, std::string_view name);

/// {"item", "type", "size", "digest", "content"}: what the manifest says of one item; "content" is the
/// presence.
Json describe_item(const formats::ItemSource& items, std::string_view name);

/// The content of an item by name. Fault::missing names it and says whether it is withheld, left out or not
/// there.
Result<std::string> read_item(const formats::ItemSource& items, std::string_view name);
/// The same, but nothing where it cannot be read because it is not present.
Result<std::optional<std::string>> read_if_present(const formats::ItemSource& items, std::string_view name);

/// How an item differs from a text that it must be, by its line of the manifest: digests; `found` is empty
/// where there is no such item. Nothing where they agree, or where that cannot be said: the item is withheld,
/// or secrets in it were replaced when it was sealed.
struct Unlike {
  std::string expected, found;
};
std::optional<Unlike> unlike_in_manifest(const formats::ItemSource& items, std::string_view name,
                                         std::string_view expected);

/// experiments/ID/experiment.json. Fault::missing where there is no such experiment; the hint names the
/// nearest ids.
Result<formats::Experiment> read_experiment(const formats::ItemSource& items, std::string_view id);
/// experiments/ID/metrics.csv; empty where it is not present.
Result<std::vector<formats::MetricValue>> read_metrics(const formats::ItemSource& items, std::string_view id);
/// steps.jsonl with the number (from 1) and the bytes' digest of each line; empty where it is not present.
struct StepLine {
  formats::Step step;
  std::size_t line = 0;
  Digest digest;
};
Result<std::vector<StepLine>> read_steps(const formats::ItemSource& items);
/// knowledge.jsonl: id -> its line as JSON; empty where it is not present.
Result<std::map<std::string, Json>> read_knowledge(const formats::ItemSource& items);
/// campaign.json, which every campaign has.
Result<formats::CampaignHead> read_head(const formats::ItemSource& items);

/// Ids of all experiments in the manifest, in the order of formats::id_less.
std::vector<std::string> experiment_ids(const formats::ItemSource& items);
/// The table of all experiments, read record by record. Records that do not parse are its problems, not an
/// error.
Result<CampaignView> read_campaign(const formats::ItemSource& items);
/// All records whole, in experiment order: by index where all have one, else by id.
Result<std::vector<formats::Experiment>> read_experiments(const formats::ItemSource& items);

/// `text` with bytes that are not UTF-8 replaced by U+FFFD: what may go into a JSON document.
std::string as_utf8(std::string_view text);
Json texts_json(const std::vector<std::string>& texts);

}  // namespace assay::verify
