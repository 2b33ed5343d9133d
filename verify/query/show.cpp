#include "verify/query/show.hpp"

#include <algorithm>
#include <map>

#include "formats/keys.hpp"
#include "toolkit/base/text.hpp"
#include "verify/query/list.hpp"
#include "verify/query/records.hpp"
#include "verify/query/show_experiment.hpp"

namespace assay::verify {

namespace {

using formats::ItemSource;

Json document_of(std::string_view what) {
  return Json::object({{"assay", "show"}, {"version", 1}, {"what", what}});
}

Json signatures_json(const formats::Envelope& envelope) {
  Json signatures = Json::array();
  for (const auto& signature : envelope.signatures) {
    Json entry = Json::object({{"keyid", as_utf8(signature.keyid)}});
    if (const auto key = formats::PublicKey::parse(signature.keyid); key.ok())
      entry.set("fingerprint", key->fingerprint());
    signatures.push(std::move(entry));
  }
  return signatures;
}

// Items and bytes by kind, in the order of the kinds' names.
Json kinds_json(const ItemSource& items) {
  struct Count {
    std::uint64_t items = 0, bytes = 0, withheld = 0, left_out = 0;
  };
  std::map<std::string, Count, std::less<>> kinds;
  for (std::size_t i = 0; i < items.manifest().size(); ++i) {
    const formats::ManifestEntry entry = items.manifest().entry(i);
    Count& count = kinds[std::string(formats::kind_of_item(entry.name))];
    const bool withheld = entry.type.dtype == formats::Dtype::withheld;
    ++count.items;
    count.bytes += entry.size;
    count.withheld += withheld;
    count.left_out += !withheld && !items.has_content(i);
  }
  Json out = Json::array();
  for (const auto& [kind, count] : kinds)
    out.push(Json::object({{"kind", kind},
                           {"items", count.items},
                           {"bytes", count.bytes},
                           {"withheld", count.withheld},
                           {"left_out", count.left_out}}));
  return out;
}

Json metrics_json(const CampaignView& view) {
  const auto& table = view.table();
  Json out = Json::array();
  for (std::uint32_t metric = 0; metric < table.metrics().names().size(); ++metric) {
    const auto runs = table.runs(metric);
    std::uint64_t values = 0;
    for (const auto& run : runs) values += run.count;
    Json entry = Json::object(
        {{"metric", table.metrics().names()[metric]}, {"experiments", runs.size()}, {"values", values}});
    for (const auto& description : view.head().metrics) {
      if (description.name != table.metrics().names()[metric]) continue;
      for (const auto& [key, text] : {std::pair{"kind", &description.kind},
                                      {"direction", &description.direction},
                                      {"group", &description.group},
                                      {"unit", &description.unit}})
        if (!text->empty()) entry.set(key, *text);
      if (description.samples) entry.set("samples", *description.samples);
    }
    out.push(std::move(entry));
  }
  return out;
}

Json best_json(const formats::CampaignTable& table, std::size_t count) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < table.size(); ++row)
    if (table.score(row)) rows.push_back(row);
  std::stable_sort(rows.begin(), rows.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return *table.score(a) > *table.score(b); });
  if (rows.size() > count) rows.resize(count);
  Json out = Json::array();
  for (const std::uint32_t row : rows) {
    Json entry = Json::object({{"id", table.id(row)}});
    if (const auto name = table.name(row)) entry.set("name", *name);
    out.push(entry.set("score", *table.score(row)));
  }
  return out;
}

Result<Json> show_campaign(const ShowSource& source) {
  const CampaignView view = ASSAY_TRY(read_campaign(source.items));
  Json out = document_of("campaign");
  for (const char* key : {"title", "system", "paper", "licence", "doi", "lineage", "authors"})
    if (const Json* value = view.head().raw.find(key)) out.set(key, *value);
  out.set("root", source.statement ? source.statement->root.hex() : source.items.manifest().root().hex());
  if (source.statement) {
    out.set("generation", source.statement->generation);
    if (source.statement->supersedes) out.set("supersedes", source.statement->supersedes->hex());
  }
  if (source.envelope) out.set("signatures", signatures_json(*source.envelope));
  const auto& table = view.table();
  out.set("experiments", table.size())
      .set("items", source.items.manifest().size())
      .set("steps", table.steps());
  out.set("claims", table.claims().size())
      .set("baselines", table.baselines().size())
      .set("unreadable", view.problem_count());
  out.set("kinds", kinds_json(source.items))
      .set("metrics", metrics_json(view))
      .set("best", best_json(table, 5));
  return out.set("stages", texts_json(show_stages()));
}

Result<Json> show_manifest(const ShowSource& source) {
  Json list = Json::array();
  for (std::size_t i = 0; i < source.items.manifest().size(); ++i) {
    const formats::ManifestEntry entry = source.items.manifest().entry(i);
    list.push(describe_item(source.items, entry.name));
  }
  return document_of("manifest")
      .set("root", source.items.manifest().root().hex())
      .set("items", std::move(list));
}

Result<Json> show_statement(const ShowSource& source) {
  if (!source.statement)
    return Error{Fault::missing, "there is no statement here: only a sealed bundle has one", "", ""};
  Json out = document_of("statement");
  out.set("statement", ASSAY_TRY(Json::parse(source.statement->encode())));
  if (source.envelope)
    out.set("payload_type", as_utf8(source.envelope->payload_type))
        .set("signatures", signatures_json(*source.envelope));
  return out;
}

// A stage that is one JSON item: shown as it is.
Result<Json> show_json_item(const ShowSource& source, std::string_view stage) {
  const std::string name = std::string(stage) + ".json";
  Json out = document_of(stage).set("source", describe_item(source.items, name));
  const auto text = ASSAY_TRY(read_if_present(source.items, name));
  if (!text) return out;
  auto content = Json::parse(*text);
  if (!content.ok()) return std::move(content.error()).in(name);
  return out.set("content", *std::move(content));
}

Result<Json> show_steps(const ShowSource& source) {
  Json list = Json::array();
  for (const StepLine& line : ASSAY_TRY(read_steps(source.items))) {
    Json entry = Json::object({{"line", line.line}});
    // The answers of a model can be megabytes: `show FILE steps.jsonl` has them.
    for (const auto& member : line.step.raw.members())
      if (member.key != "messages" && member.key != "response") entry.set(member.key, member.value);
    list.push(std::move(entry));
  }
  return document_of("steps")
      .set("source", describe_item(source.items, "steps.jsonl"))
      .set("steps", std::move(list));
}

Result<Json> show_knowledge(const ShowSource& source) {
  Json list = Json::array();
  for (const auto& [id, piece] : ASSAY_TRY(read_knowledge(source.items))) list.push(piece);
  return document_of("knowledge")
      .set("source", describe_item(source.items, "knowledge.jsonl"))
      .set("pieces", std::move(list));
}

}  // namespace

const std::vector<std::string>& show_stages() {
  static const std::vector<std::string> kStages = {"campaign",   "experiments", "manifest",     "statement",
                                                   "claims",     "baselines",   "completeness", "environment",
                                                   "redactions", "steps",       "knowledge"};
  return kStages;
}

Result<Json> show(const ShowSource& source, std::string_view what) {
  if (what.empty() || what == "campaign") return show_campaign(source);
  if (what == "experiments") return list_experiments(source.items, {});
  if (what == "manifest") return show_manifest(source);
  if (what == "statement") return show_statement(source);
  if (what == "steps") return show_steps(source);
  if (what == "knowledge") return show_knowledge(source);
  const auto& stages = show_stages();
  if (std::find(stages.begin(), stages.end(), what) != stages.end()) return show_json_item(source, what);
  if (what.starts_with("experiments/")) what.remove_prefix(std::string_view("experiments/").size());
  auto experiment = show_experiment(source.items, what);
  if (!experiment.ok() && experiment.error().fault == Fault::missing)
    experiment.error().hint += "; stages: " + join(stages, " ");
  return experiment;
}

Result<std::size_t> find_content(const ItemSource& items, std::string_view what, std::string_view role) {
  if (role.empty()) {
    if (const auto item = items.manifest().find(what)) return *item;
    return Error{Fault::missing, "no item \"" + escape_terminal(what) + "\" in the bundle", "",
                 "`assay show FILE manifest` lists all items"};
  }
  const formats::Experiment record = ASSAY_TRY(read_experiment(items, what));
  if (const auto file = record.files.find(std::string(role)); file != record.files.end()) {
    if (const auto item = items.manifest().find(file->second)) return *item;
    return Error{Fault::missing,
                 "role \"" + escape_terminal(role) + "\" of experiment " + record.id + " names \"" +
                     escape_terminal(file->second) + "\", which is not in the bundle",
                 "", ""};
  }
  const std::string folder = "experiments/" + record.id + "/";
  if (const auto item = items.manifest().find(folder + std::string(role))) return *item;
  std::vector<std::string> have;
  for (const auto& [name, item] : record.files) have.push_back(name);
  const auto [first, last] = items.manifest().range(folder);
  for (std::size_t i = first; i < last && have.size() < 20; ++i)
    have.push_back(items.manifest().entry(i).name.substr(folder.size()));
  return Error{Fault::missing, "experiment " + record.id + " has no \"" + escape_terminal(role) + "\"", "",
               "it has: " + escape_terminal(join(have, ", "))};
}

}  // namespace assay::verify
