#include "replay/model/captures.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

namespace assay::replay {
namespace {

/// A program whose step adds what `next` says to the device's memory, and what a recorder sees of it.
struct Program final : public Observed {
  int python = 0;  ///< what its Python sees
  int marked = 0;
  std::string use;          ///< what it reads of the device
  std::vector<int> device;  ///< what its steps have done there
  int begun = 0;
  bool taken = false;
  void begin() override { ++begun; }
  std::string end() override { return use; }
  void mark(bool guarded) override {
    marked = python;
    taken = guarded;
  }
  std::string changed() override { return python == marked ? "" : "self.count"; }
  void restore() override {
    EXPECT_TRUE(taken);
    taken = false;
  }
};

struct FakeGraph final : public Recording {
  FakeGraph(Program& of, std::vector<int> held) : program(of), work(std::move(held)) {}
  void replay() override { program.device.insert(program.device.end(), work.begin(), work.end()); }
  Program& program;
  std::vector<int> work;
};

struct FakeRecorder final : public Recorder {
  explicit FakeRecorder(Program& of) : program(of) {}
  std::unique_ptr<Recording> record(const std::function<void()>& work) override {
    if (!refusal.empty()) throw std::runtime_error(refusal);
    const std::vector<int> before = program.device;
    work();
    std::vector<int> held(program.device.begin() + static_cast<std::ptrdiff_t>(before.size()),
                          program.device.end());
    program.device = before;
    ++records;
    return std::make_unique<FakeGraph>(program, std::move(held));
  }
  Program& program;
  std::string refusal;
  int records = 0;
};

struct CapturesTest : public testing::Test {
  Program program;
  FakeRecorder recorder{program};
  Captures captures{recorder, program};
  Captures::Key key{4, 32, 128, 128};
  int python_steps = 0;

  bool step(int does = 7) {
    return captures.run(key, [&, does] {
      ++python_steps;
      program.device.push_back(does);
    });
  }
};

TEST_F(CapturesTest, RecordsAfterStepsAsTheyAreAndEveryStepIsDoneOnce) {
  for (int i = 0; i < Captures::kWarm; ++i) EXPECT_FALSE(step());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(step());
  EXPECT_EQ(program.device, std::vector<int>(Captures::kWarm + 5, 7));
  EXPECT_EQ(python_steps, Captures::kWarm + 1);
  const auto news = captures.news();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_TRUE(news[0].captured);
  EXPECT_TRUE(captures.news().empty());
}

TEST_F(CapturesTest, AReadOnTheHostIsRefusedWithItsPlace) {
  program.use = "a tensor's value is read (.item()), program.py:41";
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(step(i));
  EXPECT_EQ(program.device, (std::vector<int>{0, 1, 2, 3, 4, 5}));
  const auto news = captures.news();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_FALSE(news[0].captured);
  EXPECT_EQ(news[0].why, program.use);
}

TEST_F(CapturesTest, AStepThatChangesWhatPythonSeesIsNeverRecorded) {
  for (int i = 0; i < 8; ++i)
    EXPECT_FALSE(captures.run(key, [&] { program.device.push_back(++program.python); }));
  EXPECT_EQ(program.device, (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(recorder.records, 0);
  const auto news = captures.news();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_NE(news[0].why.find("self.count"), std::string::npos);
}

TEST_F(CapturesTest, ACacheThatFillsOnceOnlyDelays) {
  EXPECT_FALSE(captures.run(key, [&] { program.device.push_back(program.python = 1); }));
  for (int i = 0; i < Captures::kWarm; ++i) EXPECT_FALSE(step());
  EXPECT_TRUE(step());
}

TEST_F(CapturesTest, AChangeThatIsSeenOnlyWhileRecordingIsRefused) {
  for (int i = 0; i < Captures::kWarm; ++i) EXPECT_FALSE(step());
  EXPECT_FALSE(captures.run(key, [&] { program.device.push_back(++program.python); }));
  EXPECT_EQ(program.device.size(), static_cast<std::size_t>(Captures::kWarm) + 1);
  EXPECT_FALSE(step());
  EXPECT_FALSE(captures.news().back().captured);
}

TEST_F(CapturesTest, WhereARecordingFailsTheStepRunsAsItIs) {
  recorder.refusal = "CUDA out of memory\nand more";
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(step(i));
  EXPECT_EQ(program.device, (std::vector<int>{0, 1, 2, 3, 4}));
  const auto news = captures.news();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].why, "CUDA out of memory");
  EXPECT_FALSE(program.taken);
  // The attempt began the random streams, and so did the step that took its place.
  EXPECT_EQ(program.begun, Captures::kWarm + 2);
}

TEST_F(CapturesTest, AProgramThatIsBrokenOffBetweenTwoChangesIsNotGoneOnWith) {
  for (int i = 0; i < Captures::kWarm; ++i) step();
  const auto half = [&] {
    ++program.python;
    throw std::runtime_error("a value is read");
  };
  EXPECT_THROW(captures.run(key, half), std::runtime_error);
}

TEST_F(CapturesTest, OtherSizesAreRecordedApart) {
  for (int i = 0; i <= Captures::kWarm; ++i) step(1);
  key[1] = 64;
  for (int i = 0; i < Captures::kWarm; ++i) EXPECT_FALSE(step(2));
  EXPECT_TRUE(step(2));
  key[1] = 32;
  EXPECT_TRUE(step(99));
  EXPECT_EQ(program.device, (std::vector<int>{1, 1, 1, 2, 2, 2, 1}));
  EXPECT_EQ(recorder.records, 2);
}

TEST_F(CapturesTest, AfterAnEvaluationThatChangedTheProgramItIsRecordedAnew) {
  for (int i = 0; i <= Captures::kWarm; ++i) step();
  captures.ran_otherwise();
  EXPECT_TRUE(step());
  program.python = 5;
  captures.ran_otherwise();
  for (int i = 0; i < Captures::kWarm; ++i) EXPECT_FALSE(step());
  EXPECT_TRUE(step());
  EXPECT_EQ(recorder.records, 2);
  EXPECT_EQ(captures.news().size(), 3u);
}

TEST_F(CapturesTest, ManySizesRunAsTheyAre) {
  for (std::int64_t length = 0; length < 20; ++length) {
    key[1] = length;
    for (int i = 0; i <= Captures::kWarm; ++i)
      EXPECT_EQ(step(), i == Captures::kWarm && length < static_cast<std::int64_t>(Captures::kMostKeys));
  }
}

TEST_F(CapturesTest, WhatAStepThrowsIsThrown) {
  EXPECT_THROW(captures.run(key, [] { throw std::runtime_error("no"); }), std::runtime_error);
}

}  // namespace
}  // namespace assay::replay
