#include "formats/recipe.hpp"

#include <gtest/gtest.h>

#include "toolkit/base/text.hpp"

namespace assay::formats {
namespace {

constexpr const char* kZeros = "0000000000000000000000000000000000000000000000000000000000000000";

// As somebody would write it: blanks, any order, integers for reals.
std::string plain() {
  return R"({"format": "assay-recipe/1", "name": "check",
    "shell": {"kind": "lm", "layers": 2, "d_model": 64, "heads": 4, "vocabulary": 256, "norm_eps": 1e-5, "mlp": "swiglu"},
    "mixer": {"kind": "program", "constructor": {"use_beta": true, "expand_k": 1, "layer_idx": null}},
    "precision": "fp32", "task": {"name": "bytes", "seed": 1, "files": {"text": ")" +
         std::string(kZeros) + R"("}, "window": 7, "mix": [[64, 4], [128, 8]]},
    "batch": {"rows": 4, "length": 128, "leaf": 2}, "steps": 20, "seed": 1,
    "optimizer": {"name": "adamw", "lr": 3e-4, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1, "clip": 1},
    "schedule": {"kind": "linear_warmup_cosine", "warmup": 2, "final": 0.1},
    "intervals": {"state_root": 5, "checkpoint": 10}, "evaluation": {"every": 0, "rows": 0},
    "torch": "2.11.0", "einops": "0.8.1", "contract": ")" +
         std::string(kZeros) + R"(", "standins": ")" + kZeros + R"("})";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Recipe, CanonicalTextAndHash) {
  const auto recipe = Recipe::parse(plain());
  ASSERT_TRUE(recipe) << recipe.error().what << " " << recipe.error().where;
  EXPECT_EQ(
      recipe->canonical(),
      R"({"batch":{"leaf":2,"length":128,"rows":4},"contract":")" + std::string(kZeros) +
          R"(","einops":"0.8.1","evaluation":{"every":0,"rows":0},"format":"assay-recipe/1",)"
          R"("intervals":{"checkpoint":10,"state_root":5},"mixer":{"constructor":{"expand_k":1,"layer_idx":null,)"
          R"("use_beta":true},"kind":"program"},"name":"check","optimizer":{"betas":[0.9,0.95],"clip":1.0,)"
          R"("eps":1e-08,"lr":3e-04,"name":"adamw","weight_decay":0.1},"precision":"fp32","schedule":{"final":0.1,)"
          R"("hold":1,"kind":"linear_warmup_cosine","warmup":2},"seed":1,"shell":{"d_model":64,"heads":4,"kind":"lm",)"
          R"("layers":2,"mlp":"swiglu","norm_eps":1e-05,"vocabulary":256},"standins":")" +
          kZeros + R"(","steps":20,"task":{"files":{"text":")" + kZeros +
          R"("},"mix":[[64,4],[128,8]],"name":"bytes","seed":1,"window":7},"torch":"2.11.0"})");
  EXPECT_EQ(recipe->digest(), sha256(recipe->canonical()));
  const auto again = Recipe::parse(recipe->canonical());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->canonical(), recipe->canonical());
  EXPECT_EQ(again->optimizer, recipe->optimizer);
}

TEST(Recipe, WhatFixesBitsFixesTheHash) {
  const Digest digest = Recipe::parse(plain())->digest();
  const std::pair<const char*, const char*> kChanges[] = {{"\"leaf\": 2", "\"leaf\": 1"},
                                                          {"\"lr\": 3e-4", "\"lr\": 4e-4"},
                                                          {"\"final\": 0.1}", "\"final\": 0.1, \"hold\": 2}"},
                                                          {"\"seed\": 1,", "\"seed\": 2,"},
                                                          {"\"window\": 7", "\"window\": 8"},
                                                          {"\"expand_k\": 1", "\"expand_k\": 1.0"},
                                                          {"2.11.0", "2.11.1"},
                                                          {"\"fp32\"", "\"bf16\""}};
  for (const auto& [from, to] : kChanges) {
    const auto recipe = Recipe::parse(replaced(plain(), from, to));
    ASSERT_TRUE(recipe) << to << " " << recipe.error().what;
    EXPECT_NE(recipe->digest(), digest) << to;
  }
  EXPECT_EQ(Recipe::parse(replaced(plain(), "\"clip\": 1}", "\"clip\": 1.0}"))->digest(), digest);
}

TEST(Recipe, KnowsWhenItWantsWhat) {
  Recipe recipe = *Recipe::parse(plain());
  recipe.steps = 23;
  recipe.evaluation = {7, 10};
  const auto steps = [&](bool (Recipe::*wants)(std::uint64_t) const) {
    std::string out;
    for (std::uint64_t step = 0; step <= 23; ++step)
      if ((recipe.*wants)(step)) out += std::to_string(step) + " ";
    return out;
  };
  EXPECT_EQ(steps(&Recipe::checkpoint_at), "0 10 20 23 ");
  EXPECT_EQ(steps(&Recipe::root_at), "0 5 10 15 20 23 ");
  EXPECT_EQ(steps(&Recipe::evaluation_at), "7 14 21 23 ");
  recipe.intervals = {0, 0};
  recipe.evaluation = {0, 0};
  EXPECT_EQ(steps(&Recipe::root_at), "0 23 ");
  EXPECT_EQ(steps(&Recipe::evaluation_at), "");
}

TEST(Recipe, VersionsMayComeFromOutside) {
  std::string text = replaced(plain(), R"("torch": "2.11.0", )", "");
  text = replaced(text, R"(, "standins": ")" + std::string(kZeros) + "\"", "");
  const auto without = Recipe::parse(text);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().where, "field \"standins\"");
  const RecipeVersions versions{sha256("contract"), sha256("standins"), "9.9.9", "1.1.1"};
  const auto filled = Recipe::parse(text, &versions);
  ASSERT_TRUE(filled) << filled.error().what;
  EXPECT_EQ(filled->versions.torch, "9.9.9");
  EXPECT_EQ(filled->versions.standins, sha256("standins"));
  EXPECT_EQ(filled->versions.einops, "0.8.1");  // stands in the text
  EXPECT_EQ(filled->versions.contract.hex(), kZeros);
}

TEST(Recipe, BaselinesHaveNoConstructor) {
  const std::string text = replaced(
      plain(), R"({"kind": "program", "constructor": {"use_beta": true, "expand_k": 1, "layer_idx": null}})",
      R"({"kind": "baseline", "name": "deltanet", "options": {"negative_eigenvalues": true}})");
  const auto recipe = Recipe::parse(text);
  ASSERT_TRUE(recipe) << recipe.error().what;
  EXPECT_FALSE(recipe->mixer.program);
  EXPECT_EQ(recipe->mixer.baseline, "deltanet");
  EXPECT_EQ(Recipe::parse(recipe->canonical())->mixer, recipe->mixer);
}

TEST(Recipe, ErrorsNameTheFieldAndWhatWasExpected) {
  struct Case {
    const char *from, *to, *where, *what;
  };
  const Case kCases[] = {
      {"assay-recipe/1", "assay-recipe/2", "\"format\"",
       "one of \"assay-recipe/1\", found \"assay-recipe/2\""},
      {"\"name\": \"check\"", "\"name\": \"Check\"", "\"name\"", "found \"Check\""},
      {"\"name\": \"check\"", "\"name\": \"../x\"", "\"name\"", "[a-z0-9._-]"},
      {"\"layers\": 2", "\"layers\": 0", "\"shell.layers\"", "an integer from 1 to 1000, found 0"},
      {"\"layers\": 2", "\"layers\": 2.5", "\"shell.layers\"", "found 2.5"},
      {"\"layers\": 2", "\"layers\": \"2\"", "\"shell.layers\"", "found \"2\""},
      {"\"layers\": 2, ", "", "\"shell.layers\"", "required, but absent"},
      {"\"heads\": 4", "\"heads\": 5", "\"shell.heads\"", "a divisor of d_model, 64, found 5"},
      {"\"mlp\": \"swiglu\"", "\"mlp\": \"swiglu\", \"dropout\": 0.1", "\"shell.dropout\"", "no such field"},
      {"\"kind\": \"program\"", "\"kind\": \"pogram\"", "\"mixer.kind\"", "found \"pogram\""},
      {"\"use_beta\": true", "\"use_beta\": {}", "\"mixer.constructor.use_beta\"", "found an object"},
      {"\"window\": 7", "\"window\": null", "\"task.window\"", "found null"},
      {"\"window\": 7", "\"window\": [[[[1]]]]", "\"task.window\"", "found an array"},
      {"\"text\": \"00", "\"text\": \"0", "\"task.files.text\"", "64 lower-case hex digits"},
      {"\"text\": \"00", "\"../text\": \"00", "\"task.files.../text\"", "a name of"},
      {"\"leaf\": 2", "\"leaf\": 3", "\"batch.leaf\"", "a divisor of rows, 4, found 3"},
      {"\"steps\": 20", "\"steps\": 0", "\"steps\"", "found 0"},
      {"\"steps\": 20", "\"steps\": 1e1", "\"steps\"", "found 10.0"},
      {"\"seed\": 1,", "\"seed\": 9007199254740992,", "\"task.seed\"", "9007199254740991"},
      {"\"lr\": 3e-4", "\"lr\": -1", "\"optimizer.lr\"", "a number from 0, found -1"},
      {"\"lr\": 3e-4", "\"lr\": \"nan\"", "\"optimizer.lr\"", "found \"nan\""},
      {"\"eps\": 1e-8", "\"eps\": 0", "\"optimizer.eps\"", "a number above 0"},
      {"[0.9, 0.95]", "[0.9, 1.0]", "\"optimizer.betas\"", "two numbers from 0 to below 1"},
      {"[0.9, 0.95]", "[0.9]", "\"optimizer.betas\"", "two numbers"},
      {"\"final\": 0.1", "\"final\": 1.5", "\"schedule.final\"", "a number from 0 to 1"},
      {"\"every\": 0", "\"every\": 5", "\"evaluation.rows\"", "an integer from 1"},
      {"\"torch\": \"2.11.0\"", "\"torch\": \"2 11\"", "\"torch\"", "printable"},
      {"\"precision\": \"fp32\"", "\"precision\": \"fp16\"", "\"precision\"", "\"fp32\", \"bf16\""},
      {"\"precision\": \"fp32\"", "\"precision\": null", "\"precision\"", "found null"},
      {"\"steps\": 20", "\"steps\": 20, \"host\": \"here\"", "\"host\"", "no such field"},
  };
  for (const Case& one : kCases) {
    const auto recipe = Recipe::parse(replaced(plain(), one.from, one.to));
    ASSERT_FALSE(recipe) << one.to;
    EXPECT_EQ(recipe.error().where, std::string("field ") + one.where) << one.to;
    EXPECT_NE(recipe.error().what.find(one.what), std::string::npos) << one.to << ": " << recipe.error().what;
  }
}

TEST(Recipe, HostileTexts) {
  const std::string kTexts[] = {"",
                                "null",
                                "[]",
                                "{",
                                "\xff",
                                R"({"format":"assay-recipe/1","format":"assay-recipe/1"})",
                                std::string(100'000, '['),
                                std::string(2u << 20, ' ')};
  for (const std::string& text : kTexts) EXPECT_FALSE(Recipe::parse(text)) << text.substr(0, 40);
  std::string many = "{";
  for (int i = 0; i < 1000; ++i) many += "\"k" + std::to_string(i) + "\": 1, ";
  const auto recipe = Recipe::parse(replaced(plain(), "{\"use_beta\": true,", many));
  ASSERT_FALSE(recipe);
  EXPECT_NE(recipe.error().what.find("at most 200 members"), std::string::npos);
}

}  // namespace
}  // namespace assay::formats
