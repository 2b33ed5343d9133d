// The documents of list, show, audit and diff against their schemas in docs/formats. Tried with Python's
// jsonschema (ASSAY_PYTHON, else python3), and skipped aloud without it.
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/verify/golden_text.hpp"
#include "tests/verify/memory_items.hpp"
#include "tests/support/run_program.hpp"
#include "verify/query/audit.hpp"
#include "verify/query/diff.hpp"
#include "verify/query/list.hpp"
#include "verify/query/show.hpp"

namespace assay::verify {
namespace {

std::string python() {
  const char* set = std::getenv("ASSAY_PYTHON");
  return set ? set : "python3";
}

// First argument: the folder of the schemas. Second: lines of "SCHEMA TAB DOCUMENT". Prints what is wrong.
constexpr const char* kScript = R"(
import json, sys
from jsonschema import Draft202012Validator as Validator
for line in sys.argv[2].split('\n'):
    name, text = line.split('\t', 1)
    schema = json.load(open(f'{sys.argv[1]}/{name}.schema.json', encoding='utf-8'))
    Validator.check_schema(schema)
    for error in Validator(schema).iter_errors(json.loads(text)):
        deepest = min(error.context or [error], key=lambda e: -len(e.absolute_path))
        print(name, text[:60], deepest.json_path, deepest.message[:200])
)";

void add(std::string& lines, const char* schema, const Result<Json>& document) {
  ASSERT_TRUE(document.ok()) << schema << ": " << document.error().what;
  lines += (lines.empty() ? "" : "\n") + std::string(schema) + "\t" + document->dump();
}

std::string all_documents() {
  MemoryItems items = small_campaign(), other = small_campaign();
  items.withhold("experiments/2/motivation.md");
  items.seal();
  other.put("experiments/2/metrics.csv", "metric,step,value\nacc,,inf\n");
  other.put("new.txt", "x");
  other.seal();
  formats::Statement statement;
  statement.title = "t";
  statement.summary = Json::object();
  std::string lines;
  add(lines, "list", list_experiments(items, {.columns = {"id", "parents", "score", "metric.acc"}}));
  for (const char* what : {"campaign", "manifest", "statement", "claims", "baselines", "environment", "steps",
                           "knowledge", "2", "4", "5"})
    add(lines, "show", show({items, &statement}, what));
  for (const char* id : {"2", "4", "5"}) add(lines, "audit", audit_experiment(items, id));
  for (const char* from : {"step:s1", "prompt:gate", "knowledge:none", "experiment:1"})
    add(lines, "audit", audit_from(items, from));
  for (const auto& [a, b] : {std::pair{"1", "2"}, {"3", "4"}, {"2", "4"}})
    add(lines, "diff", diff_experiments({items, a}, {items, b}));
  add(lines, "diff", diff_bundles({items, &statement, "a"}, {other, nullptr, "b"}));
  return lines;
}

TEST(QuerySchemas, HoldOfEveryDocument) {
  if (test::run_program({python(), "-c", "import jsonschema"}).status != 0)
    GTEST_SKIP() << "no Python with jsonschema (set ASSAY_PYTHON)";
  const auto done = test::run_program(
      {python(), "-c", kScript, std::string(ASSAY_SOURCE_DIR) + "/docs/formats", all_documents()});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.out + done.err, "");
}

}  // namespace
}  // namespace assay::verify
