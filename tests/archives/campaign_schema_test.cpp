// The JSON Schemas in docs/formats, beside the parsers: both accept what importers make, both refuse what is
// broken. The schemas are tried with Python's jsonschema (ASSAY_PYTHON, else python3), and skipped aloud
// without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/campaign.hpp"
#include "formats/recipe.hpp"
#include "formats/trace.hpp"
#include "tests/archives/import_support.hpp"
#include "tests/support/run_program.hpp"

namespace assay::archives {
namespace {

std::string python() {
  const char* set = std::getenv("ASSAY_PYTHON");
  return set ? set : "python3";
}

// Lines of "SCHEMA TAB DOCUMENT" on its first argument's file; prints "ok" or what is wrong, a line each.
constexpr const char* kScript = R"(
import json, sys
from jsonschema import Draft202012Validator as Validator
made = {}
for line in open(sys.argv[2], encoding='utf-8'):
    name, text = line.rstrip('\n').split('\t', 1)
    if name not in made:
        schema = json.load(open(f'{sys.argv[1]}/{name}.schema.json', encoding='utf-8'))
        Validator.check_schema(schema)
        made[name] = Validator(schema)
    errors = [e.json_path + ': ' + e.message[:100] for e in made[name].iter_errors(json.loads(text))]
    print(errors[0] if errors else 'ok')
)";

class Schemas : public testing::Test {
 protected:
  void SetUp() override {
    if (test::run_program({python(), "-c", "import jsonschema"}).status != 0)
      GTEST_SKIP() << "no Python with jsonschema (set ASSAY_PYTHON)";
  }

  void add(const std::string& schema, const Json& document) {
    lines_ += schema + "\t" + document.dump() + "\n", ++count_;
  }

  void add_documents_of(const Import& import) {
    for (const char* name : {"campaign", "claims", "baselines"})
      if (find_item(import, std::string(name) + ".json"))
        add(name, json_of(import, std::string(name) + ".json"));
    for (const ImportedItem& item : import.items)
      if (item.name.ends_with("/experiment.json")) add("experiment", *Json::parse(content(import, item)));
    const std::string steps = find_item(import, "steps.jsonl") ? content(import, "steps.jsonl") : "";
    for (std::size_t at = 0; at < steps.size();) {
      const auto end = steps.find('\n', at);
      add("step", *Json::parse(std::string_view(steps).substr(at, end - at)));
      at = end + 1;
    }
  }

  std::vector<std::string> answers() {
    const TestFolder folder;
    folder.write("lines", lines_);
    const auto ran = test::run_program(
        {python(), "-c", kScript, ASSAY_SOURCE_DIR "/docs/formats", (folder.path() / "lines").string()});
    EXPECT_EQ(ran.status, 0) << ran.err;
    std::vector<std::string> out;
    std::istringstream text(ran.out);
    for (std::string line; std::getline(text, line);) out.push_back(line);
    EXPECT_EQ(out.size(), count_);
    return out;
  }

  std::string lines_;
  std::size_t count_ = 0;
};

TEST_F(Schemas, AcceptWhatImportersMake) {
  const auto sample = import_from("assay", fs::path(ASSAY_SOURCE_DIR) / "archives/samples/small");
  const auto live = import_from("asi-arch", fs::path(ASSAY_SOURCE_DIR) / "tests/archives/data/asi-arch-live");
  ASSERT_TRUE(sample.ok() && live.ok());
  add_documents_of(*sample);
  add_documents_of(*live);
  for (const char* kind : {"asi-arch", "asi-evolve"}) {
    const fs::path real = shared(kind[4] == 'a' ? "data/asi-arch" : "data/asi-evolve/island_seq");
    if (real.empty()) continue;
    const auto import = import_from(kind, real);
    ASSERT_TRUE(import.ok()) << import.error().what;
    add_documents_of(*import);
  }
  for (const std::string& answer : answers()) EXPECT_EQ(answer, "ok");
}

bool parses(const std::string& schema, const std::string& text) {
  if (schema == "campaign") return formats::CampaignHead::parse(text).ok();
  if (schema == "experiment") return formats::Experiment::parse(text).ok();
  if (schema == "step") return formats::Step::parse(text).ok();
  if (schema == "recipe") return formats::Recipe::parse(text).ok();
  if (schema == "trace") return formats::TraceHead::parse(text).ok() || formats::TraceRow::parse(text).ok();
  if (schema == "claims") return formats::parse_claims(text).ok();
  return formats::parse_baselines(text).ok();
}

TEST_F(Schemas, RefuseWhatTheParsersRefuse) {
  const std::pair<const char*, const char*> kBroken[] = {
      {"campaign", R"({"version": 1})"},
      {"campaign", R"({"assay": "campaign", "version": 2})"},
      {"campaign", R"({"assay": "campaign", "version": 1, "lineage": "ring"})"},
      {"campaign", R"({"assay": "campaign", "version": 1, "metrics": [{"name": "a/b", "kind": "score"}]})"},
      {"campaign", R"({"assay": "campaign", "version": 1, "metrics": [{"name": "a"}]})"},
      {"campaign",
       R"({"assay": "campaign", "version": 1, "metrics": [{"name": "a", "kind": "score", "range": [1]}]})"},
      {"campaign", R"({"assay": "campaign", "version": 1, "authors": [{"orcid": "0000-0002-1825-0097"}]})"},
      {"experiment", R"({})"},
      {"experiment", R"({"id": ".."})"},
      {"experiment", R"({"id": "a b"})"},
      {"experiment", R"({"id": "a", "parents": "b"})"},
      {"experiment", R"({"id": "a", "parents": ["b/c"]})"},
      {"experiment", R"({"id": "a", "score": null})"},
      {"experiment", R"({"id": "a", "score": "high"})"},
      {"experiment", R"({"id": "a", "seeds": {"init": 7}})"},
      {"experiment", R"({"id": "a", "dataset": {"sha256": "00"}})"},
      {"experiment", R"({"id": "a", "index": -1})"},
      {"experiment", R"({"id": "a", "files": {"Log": "x"}})"},
      {"experiment", R"({"id": "a", "files": {"log": "../x"}})"},
      {"experiment", R"({"id": "a", "files": {"log": "/x"}})"},
      {"step", R"({"agent": "a"})"},
      {"step", R"({"id": ""})"},
      {"step", R"({"id": "a", "experiment": "b c"})"},
      {"step", R"({"id": "a", "writes": "program"})"},
      {"step", R"({"id": "a", "reads": {"knowledge": [1]}})"},
      {"claims", R"({})"},
      {"claims", R"({"claims": [{"id": "a", "kind": "wish"}]})"},
      {"claims", R"({"claims": [{"id": "a", "kind": "count"}]})"},
      {"claims", R"({"claims": [{"kind": "text"}]})"},
      {"baselines", R"({"baselines": [{"name": "a"}]})"},
      {"baselines", R"({"baselines": [{"id": "a", "metrics": {"b": "c"}}]})"},
  };
  for (const auto& [schema, text] : kBroken) {
    EXPECT_FALSE(parses(schema, text)) << schema << " " << text;
    add(schema, *Json::parse(text));
  }
  const auto found = answers();
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NE(found[i], "ok") << kBroken[i].second;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST_F(Schemas, OfRecipesAndTraces) {
  const std::string zeros(64, '0');
  const std::string recipe =
      R"({"format": "assay-recipe/1", "name": "check", "shell": {"kind": "lm", "layers": 2, "d_model": 64, "heads": 4,
          "vocabulary": 256, "norm_eps": 1e-5, "mlp": "swiglu"}, "mixer": {"kind": "program", "constructor": {"a": null}},
          "precision": "fp32", "task": {"name": "copy", "seed": 1, "pairs": [[1, 2]]},
          "batch": {"rows": 2, "length": 8, "leaf": 1}, "steps": 20, "seed": 1,
          "optimizer": {"name": "adamw", "lr": 1, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0, "clip": 1},
          "schedule": {"kind": "constant", "warmup": 0, "final": 1}, "intervals": {"state_root": 5, "checkpoint": 0},
          "evaluation": {"every": 0, "rows": 0}, "torch": "2", "einops": "0", "contract": ")" +
      zeros + R"(", "standins": ")" + zeros + R"("})";
  const formats::TraceHead head;
  const formats::TraceRow row{{1, 2, 3, std::nullopt}, {}};
  const std::pair<const char*, std::string> kGood[] = {
      {"recipe", recipe},
      {"recipe", formats::Recipe::parse(recipe)->canonical()},
      {"trace", head.line()},
      {"trace", row.line()}};
  for (const auto& [schema, text] : kGood) {
    EXPECT_TRUE(parses(schema, text)) << text;
    add(schema, *Json::parse(text));
  }
  const std::pair<const char*, std::string> kBroken[] = {
      {"recipe", replaced(recipe, "\"seed\": 1,", "")},
      {"recipe", replaced(recipe, "\"heads\": 4", "\"heads\": 0")},
      {"recipe", replaced(recipe, "\"steps\": 20", "\"steps\": 20, \"host\": \"x\"")},
      {"recipe", replaced(recipe, "[[1, 2]]", "null")},
      {"recipe", replaced(recipe, "[[1, 2]]", "{}")},
      {"recipe", replaced(recipe, "0.95]", "1.5]")},
      {"recipe", replaced(recipe, "\"every\": 0", "\"every\": 1")},
      {"recipe", replaced(recipe, "\"constructor\"", "\"kwargs\"")},
      {"recipe", replaced(recipe, "\"check\"", "\"Check\"")},
      {"trace", replaced(head.line(), "\"data\":", "\"date\":")},
      {"trace", replaced(row.line(), "\"step\":1", "\"step\":0")},
      {"trace", replaced(row.line(), "00000002", "0000000g")},
  };
  for (const auto& [schema, text] : kBroken) {
    EXPECT_FALSE(parses(schema, text)) << text;
    add(schema, *Json::parse(text));
  }
  const auto found = answers();
  for (std::size_t i = 0; i < found.size(); ++i)
    if (i < std::size(kGood))
      EXPECT_EQ(found[i], "ok") << kGood[i].second;
    else
      EXPECT_NE(found[i], "ok") << kBroken[i - std::size(kGood)].second;
}

}  // namespace
}  // namespace assay::archives
