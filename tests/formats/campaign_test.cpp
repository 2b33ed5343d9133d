#include "formats/campaign.hpp"

#include <chrono>
#include <cmath>

#include <gtest/gtest.h>

namespace assay::formats {
namespace {

constexpr const char* kRecord =
    R"({"id":"1735","name":"delta_net_hhmr","label":"HybridGateFlow","index":1735,"parents":["1544"],"status":"ok",)"
    R"("score":2.284679125222743,"created":"2025-06-01T10:00:00Z","seeds":{"init":"42"},)"
    R"("dataset":{"name":"d","sha256":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},)"
    R"("parameters":"495.73M","island":2,"visits":5,"files":{"program":"experiments/1735/program.py"},)"
    R"("evicted":true,"source":{"file":"source/106.json","record":0},"extra":{"b":1,"a":null},"new_field":7})";

TEST(CampaignRecord, IsWrittenAsItWasRead) {
  const auto record = Experiment::parse(kRecord);
  ASSERT_TRUE(record.ok()) << record.error().what << record.error().where;
  EXPECT_EQ(record->id, "1735");
  EXPECT_EQ(*record->parents, std::vector<std::string>{"1544"});
  EXPECT_EQ(record->files.at("program"), "experiments/1735/program.py");
  EXPECT_TRUE(record->evicted);
  EXPECT_EQ(record->extra["visits"].integer(), 5);
  EXPECT_EQ(record->to_json().dump(), kRecord);
}

TEST(CampaignRecord, AbsentStaysAbsent) {
  const auto record = Experiment::parse(R"({"id":"a"})");
  ASSERT_TRUE(record.ok());
  EXPECT_FALSE(record->parents || record->index || record->score || record->name);
  EXPECT_EQ(record->to_json().dump(), R"({"id":"a"})");
  EXPECT_EQ(Experiment::parse(R"({"id":"a","parents":[]})")->to_json().dump(), R"({"id":"a","parents":[]})");
}

TEST(CampaignRecord, KeepsScoresThatAreNoNumbers) {
  const auto record = Experiment::parse(R"({"id":"a","score":"nan"})");
  ASSERT_TRUE(record.ok());
  EXPECT_TRUE(std::isnan(*record->score));
  EXPECT_EQ(record->to_json().dump(), R"({"id":"a","score":"nan"})");
}

struct Bad {
  const char *text, *field;
};
TEST(CampaignRecord, ErrorsNameTheField) {
  for (const auto& [text, field] :
       {Bad{R"({"name":"x"})", "id"}, Bad{R"({"id":"a/b"})", "id"}, Bad{R"({"id":".."})", "id"},
        Bad{R"({"id":"a","index":1.5})", "index"}, Bad{R"({"id":"a","index":-1})", "index"},
        Bad{R"({"id":"a","parents":"b"})", "parents"}, Bad{R"({"id":"a","parents":["../x"]})", "parents"},
        Bad{R"({"id":"a","score":null})", "score"}, Bad{R"({"id":"a","score":"high"})", "score"},
        Bad{R"({"id":"a","seeds":{"init":42}})", "seeds"},
        Bad{R"({"id":"a","dataset":{"sha256":"12"}})", "dataset"},
        Bad{R"({"id":"a","files":{"Program":"x"}})", "files"},
        Bad{R"({"id":"a","files":{"program":"../x"}})", "files"},
        Bad{R"({"id":"a","evicted":1})", "evicted"}}) {
    const auto record = Experiment::parse(text);
    ASSERT_FALSE(record.ok()) << text;
    EXPECT_EQ(record.error().where, "field \"" + std::string(field) + "\"") << text;
  }
  EXPECT_NE(Experiment::parse(R"({"id":"a","name":null})").error().hint, "");
  EXPECT_FALSE(Experiment::parse("[1]").ok());
  EXPECT_FALSE(Experiment::parse(R"({"id":"a","id":"b"})").ok());
}

TEST(CampaignHead, Reads) {
  const auto head = CampaignHead::parse(
      R"({"assay":"campaign","version":1,"title":"T","system":"asi-arch","authors":[{"name":"A"}],"lineage":"tree",
          "metrics":[{"name":"arc_easy","kind":"score","direction":"higher","range":[0,1],"samples":2376,"group":"test"}]})");
  ASSERT_TRUE(head.ok()) << head.error().what << head.error().where;
  ASSERT_EQ(head->metrics.size(), 1u);
  EXPECT_EQ(head->metrics[0].samples, 2376);
  EXPECT_EQ(*head->metrics[0].high, 1);
}

TEST(CampaignHead, ErrorsNameTheField) {
  auto where = [](const std::string& rest) {
    const auto head = CampaignHead::parse(R"({"assay":"campaign","version":1)" + rest + "}");
    return head.ok() ? std::string("accepted") : head.error().where;
  };
  EXPECT_EQ(where(R"(,"lineage":"ring")"), "field \"lineage\"");
  EXPECT_EQ(where(R"(,"metrics":[{"name":"a","kind":"score"},{"name":"a/b","kind":"score"}])"),
            "field \"metrics[1].name\"");
  EXPECT_EQ(where(R"(,"metrics":[{"name":"a","kind":"score","range":[1,0]}])"), "field \"metrics[0].range\"");
  EXPECT_EQ(where(R"(,"authors":[{"orcid":"0"}])"), "field \"authors[0].name\"");
  EXPECT_FALSE(CampaignHead::parse(R"({"assay":"campaign","version":2})").ok());
  EXPECT_FALSE(CampaignHead::parse(R"({"version":1})").ok());
}

TEST(Metrics, AreWrittenAsTheyWereRead) {
  const std::string csv =
      "metric,step,value\ntrain_loss,1,11.026\ntrain_loss,100,7.6186\narc_easy,,0.4903\nlam_ppl,,nan\nx,,1e-"
      "05\n";
  const auto values = parse_metrics(csv, "m");
  ASSERT_TRUE(values.ok()) << values.error().what;
  ASSERT_EQ(values->size(), 5u);
  EXPECT_EQ((*values)[1].step, 100);
  EXPECT_EQ((*values)[2].value, 0.4903);
  EXPECT_TRUE(std::isnan((*values)[3].value));
  EXPECT_EQ(write_metrics(*values), csv);
}

TEST(Metrics, WithoutATextAreWrittenShort) {
  EXPECT_EQ(write_metrics({{"a", 7, 0.1, ""}, {"b", {}, NAN, ""}, {"c", {}, -INFINITY, ""}}),
            "metric,step,value\na,7,0.1\nb,,nan\nc,,-inf\n");
}

TEST(Metrics, ErrorsNameTheLine) {
  for (const char* line :
       {"a,1", "a,x,1", "a,-1,1", "a,1,0x10", "a,1,", "a,1,1 ", ",1,1", "a/b,1,1", "a,1,+1", "a,1,1e",
        "a,1,nan(2)", "a,99999999999999999999,1", "a\x01,1,1", "a\xff,1,1", ""}) {
    const auto values =
        parse_metrics("metric,step,value\nok,1,1\n" + std::string(line) + "\n", "experiments/1/metrics.csv");
    ASSERT_FALSE(values.ok()) << line;
    EXPECT_EQ(values.error().where, "experiments/1/metrics.csv, line 3");
  }
  EXPECT_FALSE(parse_metrics("", "m").ok());
  EXPECT_FALSE(parse_metrics("metric,step,value\n,1,1\n", "m").ok()) << "a first line without a name";
  EXPECT_FALSE(parse_metrics("step,metric,value\n", "m").ok());
  EXPECT_TRUE(parse_metrics("metric,step,value\r\na,1,2\r\n", "m").ok());
}

TEST(Metrics, DecimalsAreTheNearestDouble) {
  EXPECT_EQ(parse_decimal("0.1"), 0.1);
  EXPECT_EQ(parse_decimal("-INF"), -INFINITY);
  EXPECT_EQ(parse_decimal("1e999"), INFINITY);
  EXPECT_EQ(parse_decimal("1e-999"), 0.0);
  EXPECT_EQ(parse_decimal("5e-324"), 5e-324);
  for (const char* text : {"", "-", "--1", "1..2", "infinit", "na", "1e5x", " 1"})
    EXPECT_FALSE(parse_decimal(text)) << text;
}

TEST(Metrics, AreParsedFast) {
  std::string csv = "metric,step,value\n";
  for (int i = 0; csv.size() < 8'000'000; ++i)
    csv += "train_loss," + std::to_string(i % 20 * 100) + ",3.4" + std::to_string(i % 1000) + "\n";
  const auto start = std::chrono::steady_clock::now();
  double sum = 0;
  ASSERT_TRUE(for_each_metric(csv, "m", [&](const MetricLine& line) { sum += line.value; }).ok());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_GT(sum, 0);
  RecordProperty("megabytes_per_second", static_cast<int>(8.0 / seconds));
  EXPECT_LT(seconds, 2.0);  // a tenth of what an idle core reaches: catches only a change of kind
}

TEST(ClaimsAndBaselines, AreLimited) {
  auto claims = [](int count) {
    std::string list;
    for (int i = 0; i < count; ++i)
      list += (i ? "," : "") + std::string(R"({"id":")") + std::to_string(i) + R"(","kind":"text"})";
    return parse_claims(R"({"claims":[)" + list + "]}");
  };
  EXPECT_TRUE(claims(1000).ok());
  EXPECT_EQ(claims(1001).error().where, "field \"claims\"");
}

TEST(CampaignRecord, IsLimited) {
  auto record = [](int count) {
    std::string text = R"({"id":"a")";
    for (int i = 1; i < count; ++i) text += ",\"x" + std::to_string(i) + "\":1";
    return Experiment::parse(text + "}");
  };
  EXPECT_TRUE(record(1000).ok());
  EXPECT_FALSE(record(1001).ok());
}

TEST(ClaimsAndBaselines, Read) {
  const auto claims = parse_claims(
      R"({"claims":[{"id":"a","kind":"gain","experiments":["1"],"metric":"average","baseline":"b","gain":0.01,"external":true},
                    {"id":"n","kind":"count","of":"experiments","value":1773}]})");
  ASSERT_TRUE(claims.ok()) << claims.error().what << claims.error().where;
  EXPECT_EQ((*claims)[1].value, 1773);
  EXPECT_TRUE((*claims)[0].external);
  EXPECT_EQ(parse_claims(R"({"claims":[{"id":"a","kind":"text"},{"id":"a","kind":"text"}]})").error().where,
            "field \"claims[1].id\"");
  EXPECT_EQ(parse_claims(R"({"claims":[{"id":"a","kind":"count","of":"x"}]})").error().where,
            "field \"claims[0].value\"");
  EXPECT_FALSE(parse_claims(R"({})").ok());
  const auto baselines =
      parse_baselines(R"({"baselines":[{"id":"d","name":"DeltaNet","metrics":{"arc_easy":0.4407}}]})");
  ASSERT_TRUE(baselines.ok());
  EXPECT_EQ((*baselines)[0].metrics.at("arc_easy"), 0.4407);
}

TEST(Steps, Read) {
  const auto step = Step::parse(
      R"({"id":"s/1","experiment":"1","order":2,"writes":["name"],"reads":{"parents":["0"],"knowledge":["k"]}})");
  ASSERT_TRUE(step.ok()) << step.error().what;
  EXPECT_EQ(step->reads_knowledge, std::vector<std::string>{"k"});
  EXPECT_EQ(Step::parse(R"({"id":"s","reads":{"parents":1}})").error().where, "field \"reads.parents\"");
}

TEST(Names, OfExperiments) {
  EXPECT_TRUE(is_experiment_id("a.b_C-9"));
  for (const char* id : {"", ".", "..", "a/b", "a b"}) EXPECT_FALSE(is_experiment_id(id)) << id;
  EXPECT_EQ(experiment_record_id("experiments/17/experiment.json"), "17");
  EXPECT_FALSE(experiment_record_id("experiments/17/x/experiment.json"));
  EXPECT_FALSE(experiment_record_id("experiments/experiment.json"));
  EXPECT_EQ(experiment_of_item("experiments/17/x/y"), "17");
  EXPECT_TRUE(id_less("9", "10") && id_less("10", "a") && id_less("007", "8") && id_less("07", "7") &&
              !id_less("7", "07"));
}

}  // namespace
}  // namespace assay::formats
