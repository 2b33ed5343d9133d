#include "formats/campaign.hpp"

#include <algorithm>
#include <utility>

#include "formats/fields.hpp"
#include "formats/item.hpp"

namespace assay::formats {

namespace {

// Far above any campaign's; they keep the work on a hostile one in proportion to its size.
constexpr std::size_t kMostMembers = 1000, kMostMetrics = 10000;

bool is_role(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

void check_parents(Fields& fields, const Experiment& experiment) {
  if (!experiment.parents) return;
  for (const std::string& parent : *experiment.parents)
    if (!is_experiment_id(parent)) fields.refuse("parents", "experiment ids, not " + describe(Json(parent)));
}

// Names and statuses become columns of fixed width, so one long name costs its length for every experiment.
void check_column_text(Fields& fields, std::string_view key, const std::optional<std::string>& text,
                       std::size_t limit) {
  if (text && (text->size() > limit || text->find('\0') != text->npos))
    fields.refuse(key, "at most " + std::to_string(limit) + " bytes, none of them zero");
}

void check_seeds(Fields& fields, const Json& seeds) {
  for (const auto& member : seeds.members())
    if (!member.value.string())
      fields.refuse("seeds",
                    "a string under \"" + member.key + "\" (64-bit numbers do not survive JSON readers)");
}

void check_dataset(Fields& fields, const Json& dataset) {
  const Json* digest = dataset.find("sha256");
  if (digest && !(digest->string() && Digest::from_hex(*digest->string()).ok()))
    fields.refuse("dataset", "64 lower-case hex digits under \"sha256\"");
}

void check_files(Fields& fields, const Experiment& experiment) {
  for (const auto& [role, item] : experiment.files) {
    if (!is_role(role)) fields.refuse("files", "roles of [a-z_], not " + describe(Json(role)));
    if (!check_item_name(item).ok()) fields.refuse("files", "an item name under \"" + role + "\"");
  }
}

// The keys that Experiment has members for; all others travel in `extra`.
constexpr std::string_view kKnown[] = {"id",         "name",  "label",   "index", "parents",
                                       "status",     "score", "created", "seeds", "dataset",
                                       "parameters", "files", "evicted"};

Json other_members(const Json& record) {
  Json rest;
  for (const auto& member : record.members())
    if (std::find(std::begin(kKnown), std::end(kKnown), member.key) == std::end(kKnown))
      rest.set(member.key, member.value);
  return rest;
}

MetricDescription describe_metric(const Json& json, std::string path, Status& status) {
  MetricDescription metric;
  Fields fields(json, std::move(path));
  fields.require("name")
      .text("name", metric.name)
      .require("kind")
      .one_of("kind", metric.kind, {"curve", "score"});
  fields.one_of("direction", metric.direction, {"lower", "higher"}).natural("samples", metric.samples);
  fields.text("group", metric.group).text("unit", metric.unit);
  if (fields.ok() && !is_metric_name(metric.name))
    fields.refuse("name", "a metric name (1 to 128 bytes without / , \" or control characters)");
  if (const Json* range = fields.find("range")) {
    if (range->size() == 2) metric.low = range->items()[0].number(), metric.high = range->items()[1].number();
    if (!metric.low || !metric.high || *metric.low > *metric.high)
      fields.refuse("range", "two numbers, the lower first");
  }
  status = fields.status();
  return metric;
}

}  // namespace

Result<Experiment> Experiment::parse(std::string_view text) {
  const Json record = ASSAY_TRY(parse_object(text));
  if (record.size() > kMostMembers)
    return Error{Fault::malformed,
                 "a record of " + std::to_string(record.size()) + " fields, expected at most " +
                     std::to_string(kMostMembers),
                 "", "put what is the system's own under \"extra\""};
  Experiment out;
  Fields fields(record);
  fields.require("id")
      .text("id", out.id)
      .text("name", out.name)
      .text("label", out.label)
      .integer("index", out.index);
  if (fields.find("parents")) fields.texts("parents", out.parents.emplace());
  fields.text("status", out.status).number("score", out.score).text("created", out.created);
  fields.object("seeds", out.seeds)
      .object("dataset", out.dataset)
      .text_map("files", out.files)
      .boolean("evicted", out.evicted);
  if (const Json* parameters = fields.find("parameters")) out.parameters = *parameters;
  if (fields.ok() && !is_experiment_id(out.id)) fields.refuse("id", "an id: 1 to 128 of [A-Za-z0-9._-]");
  if (out.index && *out.index < 0) fields.refuse("index", "an integer that is not negative");
  check_column_text(fields, "name", out.name, 1000);
  check_column_text(fields, "status", out.status, 100);
  check_parents(fields, out);
  check_seeds(fields, out.seeds);
  check_dataset(fields, out.dataset);
  check_files(fields, out);
  ASSAY_TRY(fields.status());
  out.extra = other_members(record);
  return out;
}

Json Experiment::to_json() const {
  Json json = Json::object({{"id", id}});
  auto put = [&](std::string_view key, const auto& value) {
    if (value) json.set(key, *value);
  };
  put("name", name);
  put("label", label);
  put("index", index);
  if (parents) json.set("parents", Json(Json::Array(parents->begin(), parents->end())));
  put("status", status);
  put("score", score);
  put("created", created);
  if (!seeds.is_null()) json.set("seeds", seeds);
  if (!dataset.is_null()) json.set("dataset", dataset);
  if (!parameters.is_null()) json.set("parameters", parameters);
  for (const std::string_view key : {"island", "visits"})
    if (const Json* value = extra.find(key)) json.set(key, *value);
  if (!files.empty()) {
    Json map = Json::object();
    for (const auto& [role, item] : files) map.set(role, item);
    json.set("files", std::move(map));
  }
  if (evicted) json.set("evicted", true);
  for (const std::string_view key : {"source", "extra"})
    if (const Json* value = extra.find(key)) json.set(key, *value);
  for (const auto& member : extra.members())
    if (!json.find(member.key)) json.set(member.key, member.value);
  return json;
}

Result<CampaignHead> CampaignHead::parse(std::string_view text) {
  CampaignHead out;
  out.raw = ASSAY_TRY(parse_object(text));
  Fields fields(out.raw);
  std::string kind;
  std::optional<std::int64_t> version;
  fields.require("assay").one_of("assay", kind, {"campaign"}).require("version").integer("version", version);
  if (version && *version != 1) fields.refuse("version", "version 1, the only one this program reads");
  fields.text("title", out.title)
      .text("system", out.system)
      .text("paper", out.paper)
      .text("licence", out.licence);
  fields.text("doi", out.doi).one_of("lineage", out.lineage, {"tree", "graph"}).array("authors", out.authors);
  Json metrics, scores;
  fields.array("metrics", metrics).object("scores", scores);
  ASSAY_TRY(fields.status());
  for (std::size_t i = 0; i < out.authors.size(); ++i) {
    std::string name, orcid;
    Fields author(out.authors.items()[i], "authors[" + std::to_string(i) + "].");
    ASSAY_TRY(author.require("name").text("name", name).text("orcid", orcid).status());
  }
  if (metrics.size() > kMostMetrics)
    fields.refuse("metrics", "at most " + std::to_string(kMostMetrics) + " metrics");
  ASSAY_TRY(fields.status());
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    Status status;
    out.metrics.push_back(describe_metric(metrics.items()[i], "metrics[" + std::to_string(i) + "].", status));
    ASSAY_TRY(std::move(status));
  }
  return out;
}

// ---- names

bool is_experiment_id(std::string_view id) {
  if (id.empty() || id.size() > 128 || id == "." || id == "..") return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

std::optional<std::string_view> experiment_of_item(std::string_view item_name) {
  constexpr std::string_view kFolder = "experiments/";
  if (!item_name.starts_with(kFolder)) return std::nullopt;
  item_name.remove_prefix(kFolder.size());
  const auto slash = item_name.find('/');
  if (slash == item_name.npos) return std::nullopt;
  return item_name.substr(0, slash);
}

std::optional<std::string_view> experiment_record_id(std::string_view item_name) {
  const auto id = experiment_of_item(item_name);
  constexpr std::string_view kBefore = "experiments/", kAfter = "/experiment.json";
  if (!id || item_name.substr(kBefore.size() + id->size()) != kAfter) return std::nullopt;
  return id;
}

bool id_less(std::string_view a, std::string_view b) {
  auto digits = [](std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  const bool a_number = digits(a), b_number = digits(b);
  if (a_number != b_number) return a_number;
  if (!a_number) return a < b;
  auto significant = [](std::string_view text) {
    return text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
  };
  const std::string_view x = significant(a), y = significant(b);
  if (x.size() != y.size()) return x.size() < y.size();
  return x != y ? x < y : a < b;  // "7" and "07" are one number and two ids
}

}  // namespace assay::formats
