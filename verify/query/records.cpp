#include "verify/query/records.hpp"

#include <algorithm>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/text.hpp"

namespace assay::verify {

using formats::ItemSource;

const char* name_of(Presence presence) {
  constexpr const char* kNames[] = {"present", "withheld", "left out", "absent"};
  return kNames[static_cast<int>(presence)];
}

Presence presence_of(const ItemSource& items, std::string_view name) {
  const auto found = items.manifest().find(name);
  if (!found) return Presence::absent;
  if (items.manifest().entry(*found).type.dtype == formats::Dtype::withheld) return Presence::withheld;
  return items.has_content(*found) ? Presence::present : Presence::left_out;
}

Json describe_item(const ItemSource& items, std::string_view name) {
  Json json = Json::object({{"item", as_utf8(name)}});
  const Presence presence = presence_of(items, name);
  if (presence != Presence::absent) {
    const formats::ManifestEntry entry = items.manifest().entry(*items.manifest().find(name));
    json.set("type", entry.type.text());
    if (presence != Presence::withheld) json.set("size", entry.size);
    json.set("digest", entry.digest.text());
  }
  return json.set("content", name_of(presence));
}

Result<std::string> read_item(const ItemSource& items, std::string_view name) {
  const std::string shown = formats::escape_name(name);
  switch (presence_of(items, name)) {
    case Presence::present:
      return items.read(*items.manifest().find(name));
    case Presence::absent:
      return Error{Fault::missing, "no item \"" + shown + "\" in the bundle", "",
                   "`assay show FILE manifest` lists all items"};
    case Presence::withheld:
      return Error{Fault::missing,
                   "item \"" + shown + "\" is withheld by its author: only its salted digest is sealed", "",
                   "ask the author to disclose it"};
    case Presence::left_out:
      break;
  }
  return Error{Fault::missing, "item \"" + shown + "\" was left out of this copy of the bundle", "",
               "the full bundle has it"};
}

Result<std::optional<std::string>> read_if_present(const ItemSource& items, std::string_view name) {
  if (presence_of(items, name) != Presence::present) return std::optional<std::string>();
  return std::optional<std::string>(ASSAY_TRY(items.read(*items.manifest().find(name))));
}

namespace {

bool is_redacted(const ItemSource& items, std::string_view name) {
  const auto text = read_if_present(items, "redactions.json");
  const auto list = text && *text ? Json::parse(**text) : Result<Json>(Json());
  if (!list) return false;
  const Json& redactions = (*list)["redactions"];
  return std::any_of(redactions.items().begin(), redactions.items().end(),
                     [&](const Json& one) { return one["item"].string_or("") == name; });
}

}  // namespace

std::optional<Unlike> unlike_in_manifest(const ItemSource& items, std::string_view name,
                                         std::string_view expected) {
  const auto digest = formats::content_digest(expected);
  const auto at = items.manifest().find(name);
  if (!at) return Unlike{digest.text(), ""};
  const formats::ManifestEntry entry = items.manifest().entry(*at);
  if (entry.type.dtype == formats::Dtype::withheld || entry.digest == digest || is_redacted(items, name))
    return std::nullopt;
  return Unlike{digest.text(), entry.digest.text()};
}

namespace {

std::string record_name(std::string_view id) { return "experiments/" + std::string(id) + "/experiment.json"; }

template <typename T>
Result<T> placed(Result<T> result, const std::string& where) {
  if (!result.ok()) return std::move(result.error()).in(where);
  return result;
}

Result<formats::Experiment> read_record(const ItemSource& items, std::string_view id) {
  const std::string name = record_name(id);
  const std::string text = ASSAY_TRY(read_item(items, name));
  auto record = ASSAY_TRY(placed(formats::Experiment::parse(text), name));
  if (record.id != id)
    return Error{
        Fault::malformed,
        "the record's id is \"" + record.id + "\", expected the folder's name \"" + std::string(id) + "\"",
        name, ""};
  return record;
}

bool by_index(const formats::Experiment& a, const formats::Experiment& b) {
  if (a.index != b.index) return a.index < b.index;
  return formats::id_less(a.id, b.id);
}

}  // namespace

Result<formats::Experiment> read_experiment(const ItemSource& items, std::string_view id) {
  if (formats::is_experiment_id(id) && presence_of(items, record_name(id)) != Presence::absent)
    return read_record(items, id);
  const auto ids = experiment_ids(items);
  const std::string range =
      ids.empty() ? "the bundle holds no experiments" : "ids run from " + ids.front() + " to " + ids.back();
  return Error{Fault::missing,
               "no experiment \"" + escape_terminal(id) + "\" among " + counted(ids.size(), "experiment"), "",
               range + "; `assay list FILE` shows them"};
}

Result<std::vector<formats::MetricValue>> read_metrics(const ItemSource& items, std::string_view id) {
  const std::string name = "experiments/" + std::string(id) + "/metrics.csv";
  const auto text = ASSAY_TRY(read_if_present(items, name));
  if (!text) return std::vector<formats::MetricValue>();
  return formats::parse_metrics(*text, name);
}

Result<std::vector<StepLine>> read_steps(const ItemSource& items) {
  std::vector<StepLine> steps;
  const auto text = ASSAY_TRY(read_if_present(items, "steps.jsonl"));
  if (!text) return steps;
  std::size_t number = 0;
  for (const std::string_view line : split_lines(*text)) {
    ++number;
    if (trim(line).empty()) continue;
    auto step = ASSAY_TRY(placed(formats::Step::parse(line), "steps.jsonl, line " + std::to_string(number)));
    steps.push_back({std::move(step), number, sha256(line)});
  }
  return steps;
}

Result<std::map<std::string, Json>> read_knowledge(const ItemSource& items) {
  std::map<std::string, Json> pieces;
  const auto text = ASSAY_TRY(read_if_present(items, "knowledge.jsonl"));
  if (!text) return pieces;
  std::size_t number = 0;
  for (const std::string_view line : split_lines(*text)) {
    ++number;
    if (trim(line).empty()) continue;
    Json piece = ASSAY_TRY(placed(Json::parse(line), "knowledge.jsonl, line " + std::to_string(number)));
    std::string id(piece["id"].string_or(""));
    pieces.emplace(std::move(id), std::move(piece));
  }
  return pieces;
}

Result<formats::CampaignHead> read_head(const ItemSource& items) {
  const std::string text = ASSAY_TRY(read_item(items, "campaign.json"));
  return placed(formats::CampaignHead::parse(text), "campaign.json");
}

std::vector<std::string> experiment_ids(const ItemSource& items) {
  std::vector<std::string> ids;
  const auto [first, last] = items.manifest().range("experiments/");
  for (std::size_t i = first; i < last; ++i)
    if (const auto id = formats::experiment_record_id(items.manifest().name_field(i))) ids.emplace_back(*id);
  std::sort(ids.begin(), ids.end(), formats::id_less);
  return ids;
}

// In the order in which their contents lie: otherwise each of 17,720 records could unpack a chunk of its own.
static std::vector<std::size_t> by_place(const ItemSource& items, std::vector<std::size_t> chosen) {
  std::stable_sort(chosen.begin(), chosen.end(),
                   [&items](std::size_t a, std::size_t b) { return items.place(a) < items.place(b); });
  return chosen;
}

Result<CampaignView> read_campaign(const ItemSource& items) {
  CampaignView::Builder builder(items.manifest(),
                                [&items](std::size_t item) { return items.has_content(item); });
  std::vector<std::size_t> wanted;
  for (std::size_t item = 0; item < items.manifest().size(); ++item)
    if (builder.wants(item) && items.has_content(item)) wanted.push_back(item);
  for (const std::size_t item : by_place(items, std::move(wanted)))
    builder.add(item, ASSAY_TRY(items.read(item)));
  return builder.finish();
}

Result<std::vector<formats::Experiment>> read_experiments(const ItemSource& items) {
  std::vector<formats::Experiment> all;
  const auto [first, last] = items.manifest().range("experiments/");
  std::vector<std::size_t> wanted;
  for (std::size_t i = first; i < last; ++i)
    if (formats::experiment_record_id(items.manifest().name_field(i)) && items.has_content(i))
      wanted.push_back(i);
  for (const std::size_t i : by_place(items, std::move(wanted)))
    all.push_back(
        ASSAY_TRY(read_record(items, *formats::experiment_record_id(items.manifest().name_field(i)))));
  const bool indexed = std::all_of(all.begin(), all.end(), [](const auto& e) { return e.index.has_value(); });
  std::sort(all.begin(), all.end(), [indexed](const auto& a, const auto& b) {
    return indexed ? by_index(a, b) : formats::id_less(a.id, b.id);
  });
  return all;
}

std::string as_utf8(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t bad = first_invalid_utf8(text);
    if (bad == text.npos) return out.append(text);
    out.append(text.substr(0, bad)).append("\xEF\xBF\xBD");
    text.remove_prefix(bad + 1);
  }
}

Json texts_json(const std::vector<std::string>& texts) {
  Json json = Json::array();
  for (const std::string& text : texts) json.push(text);
  return json;
}

}  // namespace assay::verify
