// Candidates in training, several at once. What they come to is asked for by number.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "formats/search_run.hpp"
#include "replay/engine/train.hpp"

namespace assay::own {

/// What a training run left, or how the program failed in a way that any machine would see.
struct Trained {
  std::map<std::string, double> measured;  ///< empty where it failed
  std::optional<Digest> chain, root, data;
  std::string failure;
  std::optional<std::uint64_t> line;
};

struct TrainerSettings {
  formats::Recipe recipe;
  std::filesystem::path folder;  ///< below it a folder a candidate
  std::map<std::string, std::filesystem::path> data;
  std::filesystem::path runner;
  std::vector<std::filesystem::path> reads;
  replay::Place place;
  replay::Limits limits;
  ProgramTier tier = ProgramTier::seccomp;
  unsigned jobs = 1;
  /// Called after each attempt, from any thread, one at a time: for the record that no result depends on.
  std::function<Status(const Json& attempt)> note;
};

class Trainer {
 public:
  explicit Trainer(TrainerSettings settings);
  ~Trainer();  ///< stops what is in training; it can be gone on with
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  void start(std::uint64_t candidate, std::string program);
  /// Waits. An Error is what no result may be made of: a limit, a missing file, a runner that died.
  Result<Trained> result(std::uint64_t candidate);

 private:
  struct Task {
    std::uint64_t candidate;
    std::string program;
  };
  void work(unsigned number);
  Result<Trained> train(const Task& task, unsigned number);
  Status note(const Task& task, const Result<Trained>& result, std::int64_t began, double seconds);

  const TrainerSettings settings_;
  std::mutex mutex_, noting_;
  std::condition_variable changed_;
  std::deque<Task> waiting_;
  std::map<std::uint64_t, Result<Trained>> done_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

/// The kinds of failure (docs/runner.md) that follow from program and recipe alone.
bool is_result(const std::string& kind);

}  // namespace assay::own
