// Each task against its own rule, written again; rows that depend on nothing but seed, step and number.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replay/tasks/task.hpp"

namespace assay::replay {
namespace {

formats::Recipe recipe_for(const std::string& task, std::int64_t length, std::int64_t vocabulary,
                           Json options = Json::object()) {
  formats::Recipe recipe;
  recipe.shell.vocabulary = vocabulary;
  recipe.batch = {4, length, 2};
  recipe.evaluation = {1, 6};
  recipe.task = {task, 7, {}, std::move(options)};
  return recipe;
}

std::unique_ptr<Task> made(const formats::Recipe& recipe, const DataFiles& files = {}) {
  auto task = make_task(recipe, files);
  EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().what);
  return *std::move(task);
}

std::string refusal(const formats::Recipe& recipe, const DataFiles& files = {}) {
  const auto task = make_task(recipe, files);
  return task.ok() ? "no error" : task.error().what + " (" + task.error().where + ")";
}

std::vector<std::int64_t> row_of(const Examples& batch, std::int64_t row) {
  const auto begin = batch.tokens.begin() + row * batch.length;
  return {begin, begin + batch.length};
}

void expect_well_formed(const Examples& batch, std::int64_t vocabulary) {
  ASSERT_EQ(batch.tokens.size(), static_cast<std::size_t>(batch.rows * batch.length));
  ASSERT_EQ(batch.positions.size(), batch.labels.size());
  EXPECT_TRUE(std::is_sorted(batch.positions.begin(), batch.positions.end()));
  EXPECT_FALSE(batch.labels.empty());
  for (const auto* list : {&batch.tokens, &batch.labels})
    for (const std::int64_t token : *list) {
      EXPECT_GE(token, 0);
      EXPECT_LT(token, vocabulary);
    }
}

TEST(Tasks, RowsDependOnSeedAndStepAlone) {
  for (const char* name : {"copy", "parity", "modular", "mqar"}) {
    const auto recipe = recipe_for(name, 48, 64);
    const auto task = made(recipe);
    const Examples first = task->training(3);
    expect_well_formed(first, 64);
    EXPECT_EQ(first.tokens, made(recipe)->training(3).tokens) << name;
    EXPECT_NE(first.tokens, task->training(4).tokens) << name;
    EXPECT_NE(first.tokens, task->evaluation(0).tokens) << name;
    auto other = recipe;
    other.task.seed = 8;
    EXPECT_NE(first.tokens, made(other)->training(3).tokens) << name;
    EXPECT_NE(data_digest(recipe, *task), data_digest(other, *made(other))) << name;
    if (recipe.task.name == "mqar") continue;  // its examples are numbered through, batch after batch
    auto wider = recipe;
    wider.batch.rows = 8;
    EXPECT_EQ(row_of(made(wider)->training(3), 2), row_of(first, 2))
        << name << ": a row changes with its neighbours";
  }
}

TEST(Tasks, EvaluationHasAsManyRowsAsTheRecipeSays) {
  const auto task = made(recipe_for("copy", 16, 32));
  ASSERT_EQ(task->evaluation_batches(), 2);
  EXPECT_EQ(task->evaluation(0).rows, 4);
  EXPECT_EQ(task->evaluation(1).rows, 2);
}

TEST(Tasks, LabelsOfRows) {
  const Examples batch = made(recipe_for("copy", 16, 32))->training(1);
  const auto [begin, end] = batch.labels_of(1, 3);
  EXPECT_EQ(begin, 8u);
  EXPECT_EQ(end, 24u);
}

TEST(Tasks, CopySaysItAgain) {
  const Examples batch = made(recipe_for("copy", 17, 32))->training(1);
  for (std::int64_t row = 0; row < batch.rows; ++row) {
    const auto tokens = row_of(batch, row);
    EXPECT_EQ(tokens[8], 1);
    for (std::size_t i = 0; i < 8; ++i) {
      EXPECT_GE(tokens[i], 2);
      EXPECT_EQ(batch.labels[static_cast<std::size_t>(row) * 8 + i], tokens[i]);
      EXPECT_EQ(tokens[9 + i], i < 7 ? tokens[i] : 0);
    }
  }
}

TEST(Tasks, ParityCountsTwos) {
  const auto task = made(recipe_for("parity", 64, 3));
  std::set<std::int64_t> lengths;
  for (std::int64_t step = 1; step < 60; ++step) {
    const Examples batch = task->training(step);
    ASSERT_EQ(batch.labels.size(), 4u);
    for (std::int64_t row = 0; row < 4; ++row) {
      const auto tokens = row_of(batch, row);
      const std::int64_t last = batch.positions[static_cast<std::size_t>(row)] - row * 64;
      lengths.insert(last + 1);
      EXPECT_EQ(std::count(tokens.begin(), tokens.begin() + last + 1, 0), 0);
      EXPECT_EQ(std::count(tokens.begin() + last + 1, tokens.end(), 0), 63 - last);
      EXPECT_EQ(batch.labels[static_cast<std::size_t>(row)],
                1 + std::count(tokens.begin(), tokens.end(), 2) % 2);
    }
  }
  EXPECT_EQ(*lengths.begin(), 3);
  EXPECT_EQ(*lengths.rbegin(), 40);
}

TEST(Tasks, ParityIsTestedOnLongerRows) {
  const auto task = made(recipe_for("parity", 40, 3, Json::object({{"test_length", 256}})));
  EXPECT_EQ(task->training(1).length, 40);
  std::int64_t longest = 0;
  for (std::int64_t batch = 0; batch < task->evaluation_batches(); ++batch) {
    const Examples rows = task->evaluation(batch);
    ASSERT_EQ(rows.length, 256);
    ASSERT_EQ(static_cast<std::int64_t>(rows.tokens.size()), rows.rows * 256);
    for (std::int64_t row = 0; row < rows.rows; ++row) {
      const auto tokens = row_of(rows, row);
      const std::int64_t last = rows.positions[static_cast<std::size_t>(row)] - row * 256;
      longest = std::max(longest, last + 1);
      EXPECT_GE(last + 1, 40);
      EXPECT_EQ(std::count(tokens.begin() + last + 1, tokens.end(), 0), 255 - last);
      EXPECT_EQ(rows.labels[static_cast<std::size_t>(row)],
                1 + std::count(tokens.begin(), tokens.end(), 2) % 2);
    }
  }
  EXPECT_GT(longest, 40);
}

/// The value of number sign number ..., multiplication first, modulo m.
std::int64_t value_of(std::vector<std::int64_t> tokens, std::int64_t m) {
  std::vector<std::int64_t> terms{tokens[0] - 1};
  for (std::size_t i = 1; i + 1 < tokens.size() && tokens[i] != m + 4; i += 2) {
    const std::int64_t number = tokens[i + 1] - 1;
    if (tokens[i] == m + 3)
      terms.back() *= number;
    else
      terms.push_back(tokens[i] == m + 1 ? number : -number);
    terms.back() %= m;
  }
  std::int64_t sum = 0;
  for (const std::int64_t term : terms) sum += term;
  return ((sum % m) + m) % m;
}

TEST(Tasks, ModularArithmetic) {
  const auto task = made(recipe_for("modular", 64, 10));
  for (std::int64_t step = 1; step < 60; ++step) {
    const Examples batch = task->training(step);
    for (std::int64_t row = 0; row < 4; ++row) {
      const auto tokens = row_of(batch, row);
      const auto at = static_cast<std::size_t>(batch.positions[static_cast<std::size_t>(row)] - row * 64);
      EXPECT_EQ(tokens[at], 9);
      EXPECT_EQ(batch.labels[static_cast<std::size_t>(row)],
                1 + value_of({tokens.begin(), tokens.begin() + at + 1}, 5));
    }
  }
}

TEST(Tasks, RecallAsksForEachKeyOnce) {
  Json options = Json::object();
  options.set("groups", Json(Json::Array{Json(Json::Array{32, 4, 40}), Json(Json::Array{64, 8, 20})}));
  const auto recipe = recipe_for("mqar", 32, 128, options);
  const auto task = made(recipe);
  std::map<std::int64_t, int> lengths;
  std::set<std::vector<std::int64_t>> rows;
  for (std::int64_t step = 1; step <= 15; ++step) {
    const Examples batch = task->training(step);
    ++lengths[batch.length];
    const std::int64_t pairs = batch.length == 32 ? 4 : 8;
    for (std::int64_t row = 0; row < batch.rows; ++row) {
      const auto tokens = row_of(batch, row);
      rows.insert(tokens);
      std::map<std::int64_t, std::int64_t> told;
      for (std::int64_t i = 0; i < pairs; ++i)
        told[tokens[static_cast<std::size_t>(2 * i)]] = tokens[static_cast<std::size_t>(2 * i + 1)];
      EXPECT_EQ(told.size(), static_cast<std::size_t>(pairs));
      const auto [begin, end] = batch.labels_of(row, row + 1);
      ASSERT_EQ(end - begin, static_cast<std::size_t>(pairs));
      std::set<std::int64_t> asked;
      for (std::size_t k = begin; k < end; ++k) {
        const std::int64_t key = batch.tokens[static_cast<std::size_t>(batch.positions[k])];
        EXPECT_TRUE(asked.insert(key).second);
        EXPECT_EQ(told.at(key), batch.labels[k]);
        EXPECT_GE(batch.labels[k], 64);
        EXPECT_LT(key, 64);
      }
    }
  }
  EXPECT_EQ(lengths[32], 10);  // an epoch: 40 / 4 and 20 / 4 batches
  EXPECT_EQ(lengths[64], 5);
  EXPECT_EQ(rows.size(), 60u);
  std::set<std::vector<std::int64_t>> again;
  bool moved = false;
  for (std::int64_t step = 16; step <= 30; ++step) {
    const Examples batch = task->training(step);
    moved = moved || batch.tokens != task->training(step - 15).tokens;
    for (std::int64_t row = 0; row < batch.rows; ++row) again.insert(row_of(batch, row));
  }
  EXPECT_EQ(rows, again) << "an epoch has the same examples";
  EXPECT_TRUE(moved) << "in another order";
}

TEST(Tasks, GapsOfRecallAreMostlyShort) {
  const auto task = made(recipe_for("mqar", 256, 1024));
  std::int64_t near = 0, all = 0;
  for (std::int64_t step = 1; step <= 50; ++step) {
    const Examples batch = task->training(step);
    for (const std::int64_t position : batch.positions) {
      near += position % 256 < 8 + 2 * 10;
      ++all;
    }
  }
  EXPECT_GT(near * 2, all) << "weight n^-0.99: the first 10 of 124 gaps hold more than half";
}

class TextTasks : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(::testing::TempDir()) / ("text-" + std::to_string(::getpid()));
    std::string text;
    for (int i = 0; i < 2000; ++i) text += static_cast<char>(i * i % 251);
    std::ofstream(path_, std::ios::binary) << text;
    digest_ = sha256(text);
  }
  void TearDown() override { std::filesystem::remove(path_); }
  formats::Recipe recipe(const char* task, std::int64_t vocabulary) {
    auto made = recipe_for(task, 20, vocabulary);
    made.task.files = {{"corpus", digest_}};
    return made;
  }
  std::filesystem::path path_;
  Digest digest_;
};

TEST_F(TextTasks, NextByte) {
  const auto task = made(recipe("bytes", 256), {{"corpus", path_}});
  const Examples batch = task->training(1);
  ASSERT_EQ(batch.labels.size(), 80u);
  for (std::size_t i = 0; i < 80; ++i)
    EXPECT_TRUE(i % 20 == 19 || batch.labels[i] == batch.tokens[i + 1]) << i;
}

TEST_F(TextTasks, NextToken) {
  const auto task = made(recipe("tokens", 65536), {{"corpus", path_}});
  const Examples batch = task->training(1);
  const auto first = batch.tokens[0], second = batch.tokens[1];
  bool found = false;
  for (int i = 0; i + 3 < 2000; i += 2)
    found = found || (i * i % 251 + (i + 1) * (i + 1) % 251 * 256 == first &&
                      (i + 2) * (i + 2) % 251 + (i + 3) * (i + 3) % 251 * 256 == second);
  EXPECT_TRUE(found) << first << " " << second;
}

TEST_F(TextTasks, AnotherFileIsNamed) {
  EXPECT_THAT(refusal(recipe("bytes", 256)), ::testing::HasSubstr("\"corpus\""));
  std::ofstream(path_, std::ios::app) << "x";
  EXPECT_THAT(refusal(recipe("bytes", 256), {{"corpus", path_}}),
              ::testing::HasSubstr("expected " + digest_.hex()));
}

TEST_F(TextTasks, TokensBeyondTheVocabularyAreNamed) {
  EXPECT_THAT(refusal(recipe("tokens", 256), {{"corpus", path_}}),
              ::testing::HasSubstr("is not below the vocabulary's size, 256"));
}

TEST(Tasks, ErrorsNameTheOption) {
  EXPECT_THAT(refusal(recipe_for("sorting", 16, 32)),
              ::testing::HasSubstr("expected copy, parity, modular, mqar, bytes, tokens; found sorting"));
  EXPECT_THAT(refusal(recipe_for("copy", 16, 32, Json::object({{"pairs", 3}}))),
              ::testing::HasSubstr("task.pairs"));
  EXPECT_THAT(refusal(recipe_for("mqar", 16, 32, Json::object({{"pairs", 5}}))),
              ::testing::HasSubstr("4 tokens a pair"));
  EXPECT_THAT(refusal(recipe_for("parity", 16, 32, Json::object({{"train_max", "long"}}))),
              ::testing::HasSubstr("found \"long\""));
}

}  // namespace
}  // namespace assay::replay
