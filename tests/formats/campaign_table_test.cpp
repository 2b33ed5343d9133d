#include "formats/campaign_table.hpp"

#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "formats/columns.hpp"
#include "formats/completeness.hpp"

namespace assay::formats {
namespace {

struct Item {
  const char *name, *content;
};

void fill(CampaignTable& table, const std::vector<Item>& items) {
  for (const Item& item : items) {
    table.add_name(item.name);
    const Status status = table.add_content(item.name, item.content);
    ASSERT_TRUE(status.ok()) << item.name << ": " << status.error().what << " " << status.error().where;
  }
  table.finish();
}

const std::vector<Item> kSmall = {
    {"experiments/10/metrics.csv", "metric,step,value\nloss,1,3.5\nloss,2,nan\nacc,,0.25\n"},
    {"experiments/10/experiment.json",
     R"({"id":"10","name":"ten","parents":["9"],"score":1.5,"files":{"program":"experiments/10/program.py","motivation":"nowhere.md"}})"},
    {"experiments/10/program.py", ""},
    {"experiments/9/experiment.json", R"({"id":"9","status":"failed","parents":[],"seeds":{"a":"1"}})"},
    {"experiments/9/metrics.csv", "metric,step,value\nacc,,0.5\n"},
    {"experiments/11/experiment.json", R"({"id":"11"})"},
    {"experiments/11/model.safetensors/.header", "{}"},
    {"steps.jsonl",
     "{\"id\":\"s\",\"experiment\":\"11\",\"response\":\"hello\"}\n{\"id\":\"t\",\"experiment\":\"9\","
     "\"transcript\":\"gone\"}\n"},
    {"claims.json",
     R"({"claims":[{"id":"c","kind":"gain","experiments":["10","12"]},{"id":"n","kind":"count","of":"experiments","value":3}]})"},
    {"campaign.json", R"({"assay":"campaign","version":1,"title":"T","authors":[{"name":"A","orcid":"0"}]})"},
};

bool exists(std::string_view name) { return name == "experiments/10/program.py"; }

TEST(CampaignTable, HoldsTheRecordsInOrder) {
  CampaignTable table(exists);
  fill(table, kSmall);
  ASSERT_EQ(table.size(), 3u);
  EXPECT_EQ(table.id(0), "9");
  EXPECT_EQ(table.id(2), "11");
  EXPECT_EQ(table.name(1), "ten");
  EXPECT_FALSE(table.name(0));
  EXPECT_EQ(table.score(1), 1.5);
  EXPECT_FALSE(table.score(0));
  EXPECT_FALSE(table.parents_known(2));
  EXPECT_TRUE(table.parents_known(0));
  ASSERT_EQ(table.parents(1).size(), 1u);
  EXPECT_EQ(table.parent_row(table.parents(1)[0]), 0u);
  EXPECT_EQ(table.find("10"), 1u);
  EXPECT_FALSE(table.find("12"));
  EXPECT_EQ(table.steps(), 2u);
  EXPECT_EQ(table.steps_of(2), 1u);
  EXPECT_EQ(table.dangling_roles(), std::vector<std::string>{"10: motivation -> nowhere.md"});
  const auto lines = table.lines(1);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines.keys[1].step, 2);
  EXPECT_EQ(lines.decimals[0], 1);
  EXPECT_EQ(lines.decimals[1], MetricStore::kNoDecimals);
}

TEST(CampaignTable, OrdersByIndexOnlyWhereAllHaveOne) {
  CampaignTable some, all;
  fill(some, {{"experiments/a/experiment.json", R"({"id":"a","index":9})"},
              {"experiments/b/experiment.json", R"({"id":"b"})"}});
  EXPECT_EQ(some.id(0), "a");
  fill(all, {{"experiments/a/experiment.json", R"({"id":"a","index":9})"},
             {"experiments/b/experiment.json", R"({"id":"b","index":2})"}});
  EXPECT_EQ(all.id(0), "b");
}

TEST(CampaignTable, RefusesWhatDoesNotFit) {
  CampaignTable table;
  EXPECT_EQ(table.add_content("experiments/1/experiment.json", R"({"id":"2"})").error().where,
            "experiments/1/experiment.json, field \"id\"");
  EXPECT_TRUE(table.add_content("experiments/1/experiment.json", R"({"id":"1"})").ok());
  EXPECT_FALSE(table.add_content("experiments/1/experiment.json", R"({"id":"1"})").ok());
  EXPECT_EQ(table.add_content("steps.jsonl", "{\"id\":\"a\"}\n{}\n").error().where,
            "steps.jsonl, line 2, field \"id\"");
  EXPECT_EQ(table.add_content("experiments/1/metrics.csv", "metric,step,value\nx\n").error().where,
            "experiments/1/metrics.csv, line 2");
  EXPECT_TRUE(table.add_content("experiments/1/metrics.csv", "metric,step,value\nx,,1\n").ok());
  EXPECT_TRUE(table.add_content("experiments/7/metrics.csv", "metric,step,value\nx,,1\n").ok());
  EXPECT_TRUE(table.add_content("experiments/1/metrics.csv/deeper/metrics.csv", "no csv").ok());
  table.finish();
  EXPECT_EQ(table.orphans(), std::vector<std::string>{"7"});
  ASSERT_EQ(table.lines(0).size(), 1u);
}

std::vector<double> doubles(const std::string& bytes) {
  std::vector<double> out(bytes.size() / 8);
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

TEST(Columns, AreWhatTheFormatSays) {
  CampaignTable table;
  fill(table, kSmall);
  std::vector<std::string> names;
  std::map<std::string, std::string> content;
  for (const Column& column : columns_of(table)) {
    names.push_back(column.name + " " + column.type.text());
    content[column.name] = column_content(table, column);
    EXPECT_EQ(content[column.name].size(), column.type.byte_size()) << column.name;
  }
  EXPECT_EQ(names, (std::vector<std::string>{
                       "columns/experiments/id s2[3]", "columns/experiments/index i64[3]",
                       "columns/experiments/name s3[3]", "columns/experiments/score f64[3]",
                       "columns/experiments/status s6[3]", "columns/metrics/acc/experiment i64[2]",
                       "columns/metrics/acc/value f64[2]", "columns/metrics/loss/experiment i64[2]",
                       "columns/metrics/loss/step i64[2]", "columns/metrics/loss/value f64[2]"}));
  EXPECT_EQ(content["columns/experiments/id"], std::string("9\0"
                                                           "10"
                                                           "11",
                                                           6));
  EXPECT_EQ(content["columns/experiments/index"], std::string(24, '\xff'));
  EXPECT_EQ(doubles(content["columns/metrics/acc/value"]), (std::vector<double>{0.5, 0.25}));
  EXPECT_EQ(content["columns/metrics/loss/experiment"], std::string("\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 16));
  EXPECT_EQ(content["columns/metrics/loss/value"].substr(8), std::string("\0\0\0\0\0\0\xf8\x7f", 8));
  EXPECT_TRUE(std::isnan(doubles(content["columns/experiments/score"])[0]));
}

TEST(Columns, DoNotDependOnTheOrderOfFeeding) {
  CampaignTable forward, backward;
  fill(forward, kSmall);
  fill(backward, {kSmall.rbegin(), kSmall.rend()});
  const auto columns = columns_of(forward), others = columns_of(backward);
  ASSERT_EQ(columns.size(), others.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    EXPECT_EQ(columns[i].name, others[i].name);
    EXPECT_EQ(columns[i].type, others[i].type);
    EXPECT_EQ(column_content(forward, columns[i]), column_content(backward, others[i])) << columns[i].name;
  }
  EXPECT_EQ(completeness_report(forward), completeness_report(backward));
}

TEST(Columns, OfManyShapes) {
  // Every experiment has another list of metrics, "all" at another line: the index by shape must still find
  // each once.
  CampaignTable table;
  for (int i = 0; i < 300; ++i) {
    const std::string id = std::to_string(i), folder = "experiments/" + id;
    std::string csv = "metric,step,value\n";
    for (int k = 0; k <= i % 7; ++k)
      csv += "m" + std::to_string((i * 31 + k * 17) % 50) + ",," + id + "." + std::to_string(k) + "\n";
    csv += "all,," + id + "\n";
    ASSERT_TRUE(table.add_content(folder + "/metrics.csv", csv).ok());
    ASSERT_TRUE(table.add_content(folder + "/experiment.json", R"({"id":")" + id + "\"}").ok());
  }
  table.finish();
  std::size_t values = 0;
  for (std::uint32_t metric = 0; metric < table.metrics().names().size(); ++metric) {
    std::int64_t last = -1;
    table.for_each_value(metric, [&](std::uint32_t row, std::int64_t, double value, std::uint8_t) {
      EXPECT_GE(row, last);
      last = row;
      EXPECT_EQ(std::to_string(static_cast<int>(value)), table.id(row));
      ++values;
    });
  }
  EXPECT_EQ(values, table.metrics().size());
  EXPECT_EQ(table.runs(*table.metrics().names().find("all")).size(), 300u);
}

TEST(Completeness, CountsAndLists) {
  CampaignTable table(exists);
  fill(table, kSmall);
  const Json report = completeness_report(table);
  const Json& fields = report["fields"];
  EXPECT_EQ(fields["program"], Json::object({{"have", 1}, {"missing", 2}, {"missing_ids", "9, 11"}}));
  EXPECT_EQ(fields["motivation"], Json::object({{"have", 0}, {"missing", 3}}));
  EXPECT_EQ(fields["transcript"]["missing_ids"], Json("9, 10"));
  EXPECT_EQ(fields["checkpoint"]["have"], Json(1));
  EXPECT_EQ(fields["metrics"]["have"], Json(2));
  EXPECT_EQ(fields["curve"]["have"], Json(1));
  EXPECT_EQ(fields["seed"]["have"], Json(1));
  EXPECT_EQ(fields["parents"]["missing_ids"], Json("11"));
  ASSERT_EQ(report["claims"].size(), 2u);
  const Json& claim = report["claims"].items()[0];
  EXPECT_EQ(claim["experiments"], Json(1));
  EXPECT_EQ(claim["program"], Json(1));
  EXPECT_EQ(claim["seed"], Json(0));
  EXPECT_EQ(claim["not_in_campaign"].items(), std::vector<Json>{Json("12")});
  EXPECT_EQ(report["claims"].items()[1]["experiments"], Json(3));
  EXPECT_EQ(report["campaign"]["authors_with_orcid"], Json(1));
  EXPECT_EQ(report["campaign"]["licence"], Json(false));
}

TEST(Completeness, ListsStayShort) {
  CampaignTable table;
  for (int i = 0; i < 5000; ++i) {
    const std::string id = std::to_string(i);
    ASSERT_TRUE(table
                    .add_content("experiments/" + id + "/experiment.json",
                                 R"({"id":")" + id + (i % 2 ? R"(","score":1})" : R"("})"))
                    .ok());
  }
  table.finish();
  const Json report = completeness_report(table);
  const std::string_view list = report["fields"]["score"]["missing_ids"].string_or("");
  EXPECT_TRUE(list.starts_with("0, 2, 4, 6"));
  EXPECT_LT(list.size(), 2100u);
  const auto listed = static_cast<unsigned>(std::count(list.begin(), list.end(), ',')) + 1;
  EXPECT_TRUE(list.ends_with(" and " + std::to_string(2500 - listed) + " more"))
      << list.substr(list.size() - 40);
}

}  // namespace
}  // namespace assay::formats
