// Who and what an ASI-Arch campaign is: none of this stands in its files, so each row has its source.
#include "archives/asi_arch.hpp"

namespace assay::archives::asi_arch {

namespace {

constexpr const char* kPaper = "arXiv:2507.18074";

struct TestMetric {
  const char* name;
  int samples;  // of the task's test or validation split
};
constexpr TestMetric kAccuracies[] = {{"arc_challenge", 1172}, {"arc_easy", 2376},      {"boolq", 3270},
                                      {"hellaswag", 10042},    {"piqa", 1838},          {"social_iqa", 1954},
                                      {"winogrande", 1267},    {"lambada_openai", 5153}};
constexpr const char* kPerplexities[] = {"lam_ppl", "wikitext"};

struct BaselineRow {
  const char *id, *name;
  double arc_challenge, arc_easy, boolq, hellaswag, piqa, social_iqa, winogrande, train_loss;
};
constexpr BaselineRow kBaselines[] = {
    {"deltanet-340m", "DeltaNet, 340M", .1817, .4407, .5538, .2715, .5871, .3419, .5043, 3.5055},
    {"gated-deltanet-340m", "Gated DeltaNet, 340M", .1903, .4537, .5798, .2713, .5968, .3465, .5083, 3.4768}};

Json source(const char* document, const char* where) {
  return Json::object({{"document", document}, {"where", where}});
}

Json metrics() {
  Json list = Json::array();
  list.push(Json::object(
      {{"name", "train_loss"}, {"kind", "curve"}, {"direction", "lower"}, {"unit", "nat/token"}}));
  Json range = Json::array();
  range.push(0).push(1);
  for (const auto& row : kAccuracies)
    list.push(Json::object({{"name", row.name},
                            {"kind", "score"},
                            {"direction", "higher"},
                            {"range", range},
                            {"samples", row.samples},
                            {"group", "test"}}));
  for (const char* name : kPerplexities)
    list.push(Json::object({{"name", name},
                            {"kind", "score"},
                            {"direction", "lower"},
                            {"unit", "perplexity"},
                            {"group", "test"}}));
  list.push(
      Json::object({{"name", "average"}, {"kind", "score"}, {"direction", "higher"}, {"range", range}}));
  return list;
}

Json claim(const char* id, const char* text, const char* kind, Json value) {
  Json out = Json::object({{"id", id},
                           {"text", text},
                           {"source", source(kPaper, "abstract")},
                           {"external", true},
                           {"kind", kind}});
  out.set("value", std::move(value));
  return out;
}

Json claims() {
  Json experiments = claim("experiments", "1,773 autonomous experiments were run", "count", 1773);
  experiments.set("of", "experiments");
  Json above = claim("above-deltanet", "106 linear-attention architectures that beat DeltaNet were found",
                     "count", 106);
  above.set("of", "above:deltanet-340m");
  Json hours = claim("gpu-hours", "the search took over 20,000 GPU hours", "value", 20000);
  hours.set("unit", "GPU hour");
  Json list = Json::array();
  list.push(std::move(experiments)).push(std::move(above)).push(std::move(hours));
  return Json::object({{"claims", std::move(list)}});
}

Json baselines() {
  Json list = Json::array();
  for (const auto& row : kBaselines) {
    Json values = Json::object({{"arc_challenge", row.arc_challenge},
                                {"arc_easy", row.arc_easy},
                                {"boolq", row.boolq},
                                {"hellaswag", row.hellaswag},
                                {"piqa", row.piqa},
                                {"social_iqa", row.social_iqa},
                                {"winogrande", row.winogrande},
                                {"train_loss", row.train_loss}});
    list.push(Json::object({{"id", row.id},
                            {"name", row.name},
                            {"source", source("the ASI-Arch project's web page", "table of 340M models")},
                            {"external", true},
                            {"metrics", std::move(values)}}));
  }
  return Json::object({{"baselines", std::move(list)}});
}

}  // namespace

CampaignDocuments documents() {
  Json average = Json::object({{"of", "test"}, {"how", "mean"}});
  Json head = Json::object({{"assay", "campaign"},
                            {"version", 1},
                            {"title", "ASI-Arch: a search for linear-attention architectures"},
                            {"system", "asi-arch"},
                            {"paper", kPaper},
                            {"metrics", metrics()},
                            {"scores", Json::object({{"average", std::move(average)}})},
                            {"lineage", "tree"}});
  return {std::move(head), claims(), baselines()};
}

}  // namespace assay::archives::asi_arch
