#include "verify/query/diff.hpp"

#include <gtest/gtest.h>

#include "tests/verify/golden_text.hpp"
#include "tests/verify/memory_items.hpp"

namespace assay::verify {
namespace {

MemoryItems changed_campaign() {
  MemoryItems items = small_campaign();
  items.put("experiments/2/metrics.csv", "metric,step,value\ntrain_loss,1,11.0\nacc,,0.60\n");
  items.put("new\x1b.txt", "x");
  items.seal();
  return items;
}

TEST(Diff, ExperimentsReadAsTheyDid) {
  MemoryItems items = small_campaign();
  items.seal();
  for (const auto& [a, b] : {std::pair{"1", "2"}, {"3", "4"}, {"2", "2"}}) {
    const std::string text = diff_text(through_json(diff_experiments({items, a}, {items, b})));
    expect_harmless(text);
    expect_golden(std::string("diff_") + a + "_" + b + ".txt", text);
  }
}

TEST(Diff, BundlesReadAsTheyDid) {
  MemoryItems a = small_campaign();
  a.seal();
  const MemoryItems b = changed_campaign();
  const std::string text = diff_text(through_json(diff_bundles({a, nullptr, "a.h5"}, {b, nullptr, "b.h5"})));
  expect_harmless(text);
  expect_golden("diff_bundles.txt", text);
}

TEST(Diff, CountsAllAndListsSome) {
  MemoryItems a = small_campaign();
  a.seal();
  const MemoryItems b = changed_campaign();
  const Json document = through_json(diff_bundles({b, nullptr, "b"}, {a, nullptr, "a"}, 0));
  EXPECT_EQ(document["items"]["removed_count"].integer(), 1);
  EXPECT_EQ(document["items"]["removed"].size(), 0u);
  EXPECT_EQ(document["metrics_count"].integer(), 3);
  EXPECT_EQ(document["metrics"].size(), 0u);
}

TEST(Diff, TheParentIsTheFirstThatTheRecordNames) {
  MemoryItems items = small_campaign();
  items.put("experiments/6/experiment.json", R"({"id":"6","parents":["404"]})");
  items.seal();
  EXPECT_EQ(*parent_to_compare(items, "4"), "2");
  for (const char* id : {"1", "5", "6", "nope"})
    EXPECT_EQ(parent_to_compare(items, id).error().fault, Fault::missing) << id;
}

TEST(Diff, ProgramsThatAreNotTextAreComparedByDigest) {
  MemoryItems items = small_campaign();
  items.put("experiments/2/program.py", std::string("a\0b", 3));
  items.seal();
  const Json document = through_json(diff_experiments({items, "1"}, {items, "2"}));
  EXPECT_EQ(document["program"]["compared"].boolean(), false);
  EXPECT_EQ(document["program"]["same"].boolean(), false);
}

TEST(Diff, BytesThatAreNotUtf8AreShownAndSaidSo) {
  MemoryItems items = small_campaign();
  items.put("experiments/2/program.py", "import torch\n# caf\xe9\n");
  items.seal();
  const Json document = through_json(diff_experiments({items, "1"}, {items, "2"}));
  EXPECT_EQ(document["program"]["compared"].boolean(), true);
  EXPECT_EQ(document["program"]["exact"].boolean(), false);
}

TEST(Diff, WithheldProgramsAreSaid) {
  MemoryItems items = small_campaign();
  items.withhold("experiments/2/program.py");
  items.seal();
  const Json document = through_json(diff_experiments({items, "1"}, {items, "2"}));
  EXPECT_EQ(document["program"]["compared"].boolean(), false);
  EXPECT_EQ(document["program"]["b"]["content"].string_or(""), "withheld");
}

}  // namespace
}  // namespace assay::verify
