#include "verify/known_systems.hpp"

#include <algorithm>

#include "formats/fields.hpp"

namespace assay::verify {

namespace {

// Test-set sizes: the splits that lm-evaluation-harness scores for these tasks.
constexpr KnownMetric kAsiArchMetrics[] = {
    {"train_loss", "curve", "lower", 0, {}, {}, "train"},
    {"arc_challenge", "score", "higher", 0, 1, 1172, "test"},
    {"arc_easy", "score", "higher", 0, 1, 2376, "test"},
    {"boolq", "score", "higher", 0, 1, 3270, "test"},
    {"hellaswag", "score", "higher", 0, 1, 10042, "test"},
    {"lam_ppl", "score", "lower", 1, {}, {}, "test"},
    {"lambada_openai", "score", "higher", 0, 1, 5153, "test"},
    {"piqa", "score", "higher", 0, 1, 1838, "test"},
    {"social_iqa", "score", "higher", 0, 1, 1954, "test"},
    {"wikitext", "score", "lower", 1, {}, {}, "test"},
    {"winogrande", "score", "higher", 0, 1, 1267, "test"},
    {"average", "score", "higher", 0, 1, {}, ""},
};
constexpr KnownAverage kAsiArchAverages[] = {{"average", "test"}};

constexpr KnownBaselineValue kDeltaNet[] = {
    {"arc_challenge", .1817}, {"arc_easy", .4407},   {"boolq", .5538},      {"hellaswag", .2715},
    {"piqa", .5871},          {"social_iqa", .3419}, {"winogrande", .5043}, {"train_loss", 3.5055}};
constexpr KnownBaselineValue kGatedDeltaNet[] = {
    {"arc_challenge", .1903}, {"arc_easy", .4537},   {"boolq", .5798},      {"hellaswag", .2713},
    {"piqa", .5968},          {"social_iqa", .3465}, {"winogrande", .5083}, {"train_loss", 3.4768}};
constexpr KnownBaseline kAsiArchBaselines[] = {
    {"deltanet-340m", "DeltaNet, 340M", "the ASI-Arch project's web page", "table of 340M models", kDeltaNet},
    {"gated-deltanet-340m", "Gated DeltaNet, 340M", "the ASI-Arch project's web page", "table of 340M models",
     kGatedDeltaNet},
};

constexpr KnownMetric kAsiEvolveMetrics[] = {
    {"eval_score", "score", "higher", {}, {}, {}, ""},
    {"judge_score", "score", "higher", {}, {}, {}, ""},
    {"runtime", "score", "lower", 0, {}, {}, ""},
};

// What assay train and assay search measure (docs/formats/run.md): losses in nats a token, so an accuracy is
// a share and a perplexity is exp of a loss. How many tokens were asked depends on the recipe.
constexpr KnownMetric kOwnMetrics[] = {
    {"train_loss", "curve", "lower", 0, {}, {}, ""}, {"gradient_norm", "curve", "", 0, {}, {}, ""},
    {"loss", "curve", "lower", 0, {}, {}, ""},       {"accuracy", "curve", "higher", 0, 1, {}, ""},
    {"perplexity", "curve", "lower", 1, {}, {}, ""}, {"labels", "curve", "", 0, {}, {}, ""},
};

/// What assay itself makes: no formula, no baselines, one set of metrics.
constexpr KnownSystem own_system(const char* id, const char* name, const char* source) {
  return {id, name, source, "graph", Formula::none, "", "", "", {}, false, kOwnMetrics, {}, {}};
}

constexpr KnownSystem kSystems[] = {
    {"asi-arch", "ASI-Arch", "arXiv:2507.18074 and its published code and data", "tree", Formula::asi_arch,
     "train_loss", "average", "judge_score", 50257, false, kAsiArchMetrics, kAsiArchAverages,
     kAsiArchBaselines},
    {"asi-evolve",
     "ASI-Evolve",
     "arXiv:2603.29640 and its published code",
     "graph",
     Formula::asi_evolve,
     "",
     "eval_score",
     "judge_score",
     {},
     true,
     kAsiEvolveMetrics,
     {},
     {}},
    own_system("assay-search", "a search of assay's own", "docs/formats/search.md"),
    own_system("assay-run", "training runs of assay's own", "docs/formats/run.md"),
};

formats::MetricDescription described(const KnownMetric& known) {
  formats::MetricDescription out;
  out.name = known.name;
  out.kind = known.kind;
  out.direction = known.direction;
  out.low = known.low;
  out.high = known.high;
  out.samples = known.samples;
  out.group = known.group;
  return out;
}

template <typename T>
std::string shown(const std::optional<T>& value) {
  return value ? Json(*value).dump() : "none";
}

// The bundle may leave out what we know, and may say more; it must not say otherwise.
void compare(const formats::MetricDescription& ours, const formats::MetricDescription& authors,
             std::vector<std::string>& out) {
  auto differs = [&](const char* what, const auto& mine, const auto& theirs) {
    if (mine && theirs && *mine != *theirs)
      out.push_back(ours.name + ": " + what + " " + shown(theirs) + ", known " + shown(mine));
  };
  if (ours.kind != authors.kind) out.push_back(ours.name + ": kind " + authors.kind + ", known " + ours.kind);
  if (!authors.direction.empty() && ours.direction != authors.direction)
    out.push_back(ours.name + ": better is " + authors.direction + ", known " + ours.direction);
  differs("range from", ours.low, authors.low);
  differs("range to", ours.high, authors.high);
  differs("samples", ours.samples, authors.samples);
}

void add_authors_metrics(const formats::CampaignHead& head, Rules& rules) {
  for (const formats::MetricDescription& metric : head.metrics) {
    const MetricRule* known = rules.metric(metric.name);
    if (known && !known->authors) compare(known->description, metric, rules.contradictions);
    if (!known) rules.metrics.push_back({metric, true});
  }
}

std::vector<std::string> group_members(const Rules& rules, std::string_view group, std::string_view except) {
  std::vector<std::string> out;
  for (const MetricRule& rule : rules.metrics)
    if (rule.description.group == group && rule.description.kind == "score" &&
        rule.description.name != except)
      out.push_back(rule.description.name);
  return out;
}

// campaign.json: "scores": {"average": {"of": "test" or ["arc_easy", ...], "how": "mean"}}
void add_authors_averages(const formats::CampaignHead& head, Rules& rules) {
  for (const Json::Member& member : head.raw["scores"].members()) {
    const auto& name = member.key;  // not a structured binding: clang 14 captures none in a lambda
    const Json& score = member.value;
    const bool known = std::any_of(rules.averages.begin(), rules.averages.end(),
                                   [&](const auto& rule) { return rule.metric == name; });
    if (known || score["how"].string_or("") != "mean") continue;
    AverageRule rule{name, {}, true};
    if (const std::string* group = score["of"].string()) rule.of = group_members(rules, *group, name);
    for (const Json& one : score["of"].items()) rule.of.emplace_back(one.string_or(""));
    if (!rule.of.empty()) rules.averages.push_back(std::move(rule));
  }
}

formats::Baseline described(const KnownBaseline& known) {
  formats::Baseline out;
  out.id = known.id;
  out.name = known.name;
  out.external = true;
  out.source = Json::object({{"document", known.document}, {"where", known.where}});
  for (const auto& [metric, value] : known.values) out.metrics.emplace(metric, value);
  return out;
}

void add_authors_baselines(const std::vector<formats::Baseline>& baselines, Rules& rules) {
  for (const formats::Baseline& baseline : baselines) {
    const BaselineRule* known = rules.baseline(baseline.id);
    if (!known) {
      rules.baselines.push_back({baseline, true});
      continue;
    }
    for (const auto& [metric, value] : baseline.metrics) {
      const auto ours = known->baseline.metrics.find(metric);
      if (ours != known->baseline.metrics.end() && ours->second != value)
        rules.contradictions.push_back("baseline " + baseline.id + ", " + metric + ": " + Json(value).dump() +
                                       ", known " + Json(ours->second).dump());
    }
  }
}

}  // namespace

std::span<const KnownSystem> known_systems() { return kSystems; }

const MetricRule* Rules::metric(std::string_view name) const {
  for (const MetricRule& rule : metrics)
    if (rule.description.name == name) return &rule;
  return nullptr;
}

const BaselineRule* Rules::baseline(std::string_view id) const {
  for (const BaselineRule& rule : baselines)
    if (rule.baseline.id == id) return &rule;
  return nullptr;
}

Rules rules_for(const formats::CampaignHead& head, const std::vector<formats::Baseline>& baselines) {
  Rules rules;
  for (const KnownSystem& system : known_systems())
    if (head.system == system.id) rules.system = &system;
  if (rules.system) {
    for (const KnownMetric& metric : rules.system->metrics)
      rules.metrics.push_back({described(metric), false});
    for (const KnownAverage& average : rules.system->averages)
      rules.averages.push_back({average.metric, group_members(rules, average.group, average.metric), false});
    for (const KnownBaseline& baseline : rules.system->baselines)
      rules.baselines.push_back({described(baseline), false});
    rules.lineage = rules.system->lineage;
    if (!head.lineage.empty() && head.lineage != rules.lineage)
      rules.contradictions.push_back("lineage: " + head.lineage + ", known " + rules.lineage);
  } else {
    rules.lineage = head.lineage;
  }
  add_authors_metrics(head, rules);
  add_authors_averages(head, rules);
  add_authors_baselines(baselines, rules);
  return rules;
}

}  // namespace assay::verify
