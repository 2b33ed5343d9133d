#include "verify/verify.hpp"

#include "tests/formats/bundle_fixture.hpp"
#include "tests/verify/view_of.hpp"

namespace assay::verify {
namespace {

using formats::test::make_bundle;
using formats::test::MemoryItems;

Items campaign() {
  Items items = {{"campaign.json", R"({"assay":"campaign","version":1,"title":"T","lineage":"tree"})"}};
  for (const std::string id : {"1", "2", "3"}) {
    items["experiments/" + id + "/experiment.json"] =
        R"({"id":")" + id + R"(","index":)" + id + R"(,"score":0.5,"parents":[)" +
        (id == "1" ? "" : "\"1\"") + R"(],"files":{"program":"experiments/)" + id + "/program.py\"}}";
    items["experiments/" + id + "/metrics.csv"] =
        "metric,step,value\nloss,1,3." + id + "\nloss,2,2.5\nacc,,0.25\n";
    items["experiments/" + id + "/program.py"] = "print(" + id + ")\n";
  }
  return items;
}

MemoryItems sealed(Items items) {
  MemoryItems out;
  const CampaignView view = view_of(items);
  items["completeness.json"] = formats::completeness_report(view.table()).dump_pretty();
  for (const auto& [name, content] : items) out.add(name, content);
  for (const auto& column : formats::columns_of(view.table()))
    out.add(column.name, formats::column_content(view.table(), column), column.type);
  return out;
}

Json verified(const fs::path& path, const VerifyInputs& inputs = {}) {
  auto file = open_read(path);
  EXPECT_TRUE(file.ok());
  auto document = verify_bundle(*std::move(file), path.string(), inputs);
  EXPECT_TRUE(document.ok()) << document.error().what;
  return document.ok() ? *document : Json();
}

const Json* finding(const Json& document, std::string_view code) {
  for (const Json& one : document["findings"].items())
    if (one["code"].string_or("") == code) return &one;
  return nullptr;
}

constexpr const char* kLevels[] = {"intact", "complete", "consistent", "reproduced", "replicated"};

TEST(Verify, AGoodBundleHasFiveLinesAndNoError) {
  const Json document = verified(make_bundle("verify-good", sealed(campaign())));
  const Json& result = document["result"];
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(result.members()[i].key, kLevels[i]);
    EXPECT_NE(result[kLevels[i]]["text"].string_or(""), "");
  }
  EXPECT_EQ(result["intact"]["verdict"], Json("yes"));
  EXPECT_EQ(result["complete"]["verdict"], Json("no"));
  EXPECT_EQ(result["consistent"]["verdict"], Json("yes")) << document["findings"].dump_pretty();
  EXPECT_EQ(result["reproduced"]["verdict"], Json("not tried"));
  EXPECT_EQ(result["counts"]["experiments"], Json(3));
  EXPECT_EQ(document["input"]["root"].string_or("").size(), 64u);
  EXPECT_TRUE(finding(document, "I105"));
  EXPECT_EQ(verify_exit_status(document), 5);
}

TEST(Verify, TrustDecidesTheExitStatus) {
  const fs::path path = make_bundle("verify-trust", sealed(campaign()));
  VerifyInputs stranger;
  stranger.trust.emplace();  // nobody is trusted
  const Json refused = verified(path, stranger);
  EXPECT_TRUE(finding(refused, "I104"));
  EXPECT_EQ(refused["result"]["intact"]["verdict"], Json("no"));
  EXPECT_EQ(verify_exit_status(refused), 2);

  const auto opened = formats::Bundle::open(*open_read(path), "x");
  ASSERT_TRUE(opened.ok());
  VerifyInputs friends;
  auto allowed = formats::parse_allowed_signers(
      "lab@example " + opened->envelope().signatures[0].keyid + "\n", "allowed");
  ASSERT_TRUE(allowed.ok()) << allowed.error().what;
  friends.trust = formats::Trust{*allowed, {}};
  const Json accepted = verified(path, friends);
  EXPECT_EQ(accepted["result"]["trust"], Json("met"));
  EXPECT_EQ(accepted["result"]["signatures"].items()[0]["principal"], Json("lab@example"));
  EXPECT_EQ(verify_exit_status(accepted), 0);
}

TEST(Verify, ColumnsThatAreNotTheRecordsAreAnError) {
  Items items = campaign();
  MemoryItems made = sealed(items), wrong;
  for (std::size_t i = 0; i < made.size(); ++i) {
    std::string content = made.content(i);
    if (made.name(i) == "columns/metrics/acc/value") content[0] ^= 1;
    wrong.add(made.name(i), content, *made.items()[i].type);
  }
  const Json document = verified(make_bundle("verify-columns", wrong));
  ASSERT_TRUE(finding(document, "C105"));
  EXPECT_EQ((*finding(document, "C105"))["subject"], Json("columns/metrics/acc/value"));
  EXPECT_EQ(document["result"]["consistent"]["verdict"], Json("no"));
  EXPECT_EQ(verify_exit_status(document), 3);
}

TEST(Verify, DamageIsNamedAndCountsFirst) {
  const fs::path path = make_bundle("verify-damage", sealed(campaign()));
  std::string bytes = *read_file(path);
  for (const std::size_t offset :
       {std::size_t{100}, std::size_t{5000}, bytes.size() / 2, bytes.size() - 10}) {
    std::string damaged = bytes;
    damaged[offset] = static_cast<char>(damaged[offset] ^ 4);
    const fs::path copy = path.string() + ".damaged";
    ASSERT_TRUE(write_file(copy, damaged, Existing::replace).ok());
    const Json document = verified(copy);
    EXPECT_EQ(document["result"]["intact"]["verdict"], Json("no")) << offset;
    EXPECT_EQ(verify_exit_status(document), 2) << offset;
    ASSERT_GT(document["findings"].size(), 0u);
    EXPECT_NE(document["findings"].items()[0]["data"].dump(), "null") << "no place at " << offset;
  }
}

TEST(Verify, TheSameFileGivesTheSameDocument) {
  const fs::path path = make_bundle("verify-same", sealed(campaign()));
  VerifyInputs inputs;
  inputs.timings = false;
  EXPECT_EQ(verified(path, inputs).dump(), verified(path, inputs).dump());
  EXPECT_EQ(verified(path, inputs).find("timings"), nullptr);
}

TEST(Verify, LargeStepFilesAreReadInPieces) {
  Items items = campaign();
  std::string steps;
  const std::string filler(1000, 'x');
  for (int i = 0; steps.size() < (17u << 20); ++i)
    steps += R"({"id":"s)" + std::to_string(i) + R"(","experiment":"2","response":")" + filler + "\"}\n";
  items["steps.jsonl"] = steps;
  const Json document = verified(make_bundle("verify-steps", sealed(items)));
  EXPECT_FALSE(finding(document, "C104"));
  EXPECT_FALSE(finding(document, "C106"));
  EXPECT_EQ(document["result"]["consistent"]["verdict"], Json("yes")) << document["findings"].dump_pretty();
}

TEST(Verify, AFileThatIsNoBundleIsNotIntact) {
  const fs::path path = formats::test::temp_path("no-bundle");
  ASSERT_TRUE(write_file(path, std::string(9000, 'a'), Existing::replace).ok());
  const Json document = verified(path);
  EXPECT_EQ(verify_exit_status(document), 2);
  EXPECT_TRUE(finding(document, "I101"));
  for (const char* level : kLevels) EXPECT_TRUE(document["result"].find(level)) << level;
}

}  // namespace
}  // namespace assay::verify
