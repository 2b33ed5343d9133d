// docs/formats/verify.schema.json against real documents, by the keywords that it uses.
#include <gtest/gtest.h>

#include "tests/formats/bundle_fixture.hpp"
#include "toolkit/base/files.hpp"
#include "verify/verify.hpp"

namespace assay::verify {
namespace {

class Schema {
 public:
  explicit Schema(Json root) : root_(std::move(root)) {}
  std::vector<std::string> problems(const Json& document) const {
    std::vector<std::string> out;
    check(root_, document, "document", out);
    return out;
  }

 private:
  static bool has_type(const Json& value, std::string_view type) {
    if (type == "integer") return value.is_integer();
    if (type == "number") return value.is_number();
    return value.type_name() == type;
  }

  void check(const Json& schema, const Json& value, const std::string& where,
             std::vector<std::string>& out) const {
    if (const std::string* ref = schema["$ref"].string())
      return check(root_["$defs"][ref->substr(8)], value, where, out);
    if (const Json* type = schema.find("type"); type && !has_type(value, type->string_or("")))
      out.push_back(where + ": is " + value.type_name());
    if (const Json* allowed = schema.find("enum");
        allowed &&
        std::find(allowed->items().begin(), allowed->items().end(), value) == allowed->items().end())
      out.push_back(where + ": " + value.dump() + " is not among those allowed");
    for (const Json& key : schema["required"].items())
      if (!value.find(key.string_or(""))) out.push_back(where + ": lacks " + key.dump());
    for (const auto& member : value.members()) {
      const Json* known = schema["properties"].find(member.key);
      const Json& others = schema["additionalProperties"];
      if (known)
        check(*known, member.value, where + "." + member.key, out);
      else if (others.is_object())
        check(others, member.value, where + "." + member.key, out);
      else if (schema.find("properties"))
        out.push_back(where + ": the schema does not know " + member.key);
    }
    for (const Json& item : value.items()) check(schema["items"], item, where + "[]", out);
  }

  Json root_;
};

Schema schema() {
  const auto text = read_file(fs::path(ASSAY_SOURCE_DIR) / "docs/formats/verify.schema.json");
  EXPECT_TRUE(text.ok());
  auto json = Json::parse(*text);
  EXPECT_TRUE(json.ok()) << json.error().what;
  return Schema(*std::move(json));
}

void expect_fits(const fs::path& path, const VerifyInputs& inputs = {}) {
  auto document = verify_bundle(*open_read(path), path.string(), inputs);
  ASSERT_TRUE(document.ok()) << document.error().what;
  document->set("assay", "0.1.0").set("command", "verify");
  for (const std::string& problem : schema().problems(*document)) ADD_FAILURE() << problem;
}

TEST(VerifySchema, FitsTheDocumentOfABundle) {
  formats::test::MemoryItems items;
  items.add("campaign.json", R"({"assay":"campaign","version":1})");
  items.add("experiments/1/experiment.json", R"({"id":"1","parents":["7"],"score":"nan"})");
  items.add("experiments/1/metrics.csv", "metric,step,value\nl,1,nan\nl,1,2\n");
  items.add("claims.json", R"({"claims":[{"id":"n","kind":"count","of":"experiments","value":2}]})");
  expect_fits(formats::test::make_bundle("schema", items));
}

TEST(VerifySchema, FitsRecomputedDecisions) {
  VerifyInputs inputs;
  inputs.decisions = true;
  formats::test::MemoryItems items;
  items.add("campaign.json", R"({"assay":"campaign","version":1,"system":"asi-evolve"})");
  items.add("experiments/step_1/experiment.json",
            R"({"id":"step_1","parents":[],"extra":{"extra":{"node_id":0}}})");
  items.add("source/config.yaml", "database: {max_size: 1, sampling: {algorithm: island}}\n");
  items.add("source/database_data/nodes.json",
            R"({"next_id":1,"nodes":{"0":{"id":0,"code":"x","score":2,"visit_count":9}}})");
  items.add("source/logs/evolve.log", "[t] [INFO] Starting sequential pipeline for 1 steps\n");
  items.add("source/steps/step_1/code", "y");
  items.add("source/steps/step_1/results.json", R"({"eval_score":1})");
  expect_fits(formats::test::make_bundle("schema-decisions", items), inputs);
  formats::test::MemoryItems other;
  other.add("campaign.json", R"({"assay":"campaign","version":1,"system":"other"})");
  expect_fits(formats::test::make_bundle("schema-no-decisions", other), inputs);
}

TEST(VerifySchema, FitsTheDocumentOfADamagedFile) {
  const fs::path path = formats::test::temp_path("schema-damaged");
  ASSERT_TRUE(write_file(path, std::string(5000, 'x'), Existing::replace).ok());
  expect_fits(path);
}

TEST(VerifySchema, RefusesOtherDocuments) {
  EXPECT_FALSE(schema().problems(Json::object({{"input", Json::object({{"path", "x"}})}})).empty());
  EXPECT_FALSE(schema().problems(Json::array()).empty());
}

}  // namespace
}  // namespace assay::verify
